#!/usr/bin/env bash
# A back-up and its restoration, walked through: docs/operations/backup.md in one go. A server
# works on a database; the back-up is taken meanwhile; it is restored beside it; everything that
# was there is there, and the server runs on the copy.
# shellcheck source-path=SCRIPTDIR source=processes.sh
. "$(dirname "$0")/processes.sh"

build
start_database
start_simulator --limits production --players 300 --speed 60
export AUTH_MODE=off
port=$(free_port)
start server "$riftwatch" serve --bind "127.0.0.1:$port"
until_true 30 "the server is ready" ready "$port"
curl -fsS "$simulator/sim/players?limit=3" | jq -r '.[] | [.riot_id, .platform] | @tsv' |
    while IFS=$'\t' read -r riot_id platform; do
        "$riftwatch" player track "$riot_id" --platform "$platform" >/dev/null
    done
"$riftwatch" job run tracked_player_updater >/dev/null
until_true 60 "matches are stored" test "$(sql -c 'SELECT count(*) > 0 FROM matches')" = t

say "back-up, while the server works"
pg_dump --format=custom --file "$work/riftwatch.dump" "$DATABASE_URL"
say "$(du -h "$work/riftwatch.dump" | cut -f1) in $work/riftwatch.dump"

say "restoration into a new database on the same server"
sql -c 'CREATE DATABASE restored'
copy=${DATABASE_URL/\/riftwatch/\/restored}
[ "$copy" != "$DATABASE_URL" ] || fail "no database name to replace in $DATABASE_URL"
pg_restore --exit-on-error --single-transaction --dbname "$copy" "$work/riftwatch.dump"

say "what is in it"
# The dump is of one moment, the server went on: a copy may have less, never anything else.
for table in players matches match_participants job_configurations job_executions; do
    now=$(sql -c "SELECT count(*) FROM $table")
    then=$(psql -X -At "$copy" -c "SELECT count(*) FROM $table")
    printf '%-22s %8s restored of %8s now\n' "$table" "$then" "$now"
    if [ "$then" -gt "$now" ] || [ "$then" = 0 ]; then fail "$table: $then rows restored, $now there"; fi
done
halves=$(psql -X -At "$copy" -c "
    SELECT count(*) FROM matches m
    WHERE NOT EXISTS (SELECT 1 FROM match_participants p WHERE p.match_id = m.match_id)")
[ "$halves" = 0 ] || fail "$halves matches without participants"

say "the server, on the copy"
stop server
DATABASE_URL=$copy "$riftwatch" doctor >&2
DATABASE_URL=$copy start restored "$riftwatch" serve --bind "127.0.0.1:$port"
until_true 30 "the server is ready on the copy" ready "$port"
DATABASE_URL=$copy "$riftwatch" job run tracked_player_updater >&2
# Runs that were running when the dump was taken belong to a process that is gone.
until_true 60 "every run of before has ended" test "$(psql -X -At "$copy" -c "
    SELECT count(*) = 0 FROM job_executions
    WHERE status = 'running' AND created_at < now() - interval '30 s'")" = t
stop restored
psql -X -q "$DATABASE_URL" -c 'DROP DATABASE restored'
say "backed up, restored, and running on what was restored"
