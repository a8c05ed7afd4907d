#!/usr/bin/env bash
# Refuses a migration that would lock a big table, by squawk and .squawk.toml.
set -euo pipefail
cd "$(dirname "$0")/../.."

# What the first release brings cannot lock a database of a release before it.
first_release=2026-11-24
for set in migrations/*; do
    for migration in "$set"/*; do
        day=$(basename "$migration" | cut -c1-10)
        if [[ "$day" > "$first_release" ]]; then
            echo "$migration"
            squawk "$migration/up.sql"
        fi
    done
done

# A lint that passes everything is none.
refused=$(squawk --reporter gcc deploy/lint/locks.sql || true)
for rule in require-concurrent-index-creation constraint-missing-not-valid changing-column-type \
    adding-not-nullable-field; do
    grep -q "$rule" <<<"$refused" || {
        echo "squawk does not refuse what breaks $rule (deploy/lint/locks.sql)" >&2
        exit 1
    }
done
echo "no migration after the first release locks a big table"
