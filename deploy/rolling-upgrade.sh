#!/usr/bin/env bash
# Two versions side by side on one database: the older one is working when the newer one migrates
# the database and starts beside it; then the older one is stopped. No tick may be lost or made
# twice, and no run may fail.
#
#   deploy/rolling-upgrade.sh [--from GIT_REF | --old PROGRAM]    default: --from HEAD
# shellcheck source-path=SCRIPTDIR source=processes.sh
. "$(dirname "$0")/processes.sh"

from=HEAD old=
while [ $# -gt 0 ]; do
    case $1 in
    --from) from=${2:?a commit} && shift 2 ;;
    --old) old=${2:?a program} && shift 2 ;;
    *) fail "unknown option $1: deploy/rolling-upgrade.sh [--from GIT_REF | --old PROGRAM]" ;;
    esac
done
if [ -z "$old" ]; then
    say "building the older version, $(git rev-parse --short "$from")"
    source=$work/source
    git worktree add --quiet --detach "$source" "$from"
    trap 'git worktree remove --force "$source"; clean_up' EXIT
    # The same folder for what is compiled: only the crates of the project are compiled anew.
    CARGO_TARGET_DIR=$PWD/target cargo build --quiet --manifest-path "$source/Cargo.toml" -p riftwatch
    cp target/debug/riftwatch "$work/older"
    old=$work/older
    touch crates/riftwatch/src/main.rs
fi
build

start_database
start_simulator --limits production --players 300 --speed 60
export AUTH_MODE=off JOB_SHUTDOWN_GRACE_SECONDS=10
old_port=$(free_port) new_port=$(free_port)
start older "$old" serve --bind "127.0.0.1:$old_port"
until_true 60 "the older version is ready" ready "$old_port"
before=$(sql -c 'SELECT count(*) FROM __diesel_schema_migrations' 2>/dev/null || echo '?')
for n in $(seq 10); do
    jq -n --arg name "every second $n" \
        '{name: $name, job_type: "rank_monitor", interval_seconds: 1}' |
        curl -fsS -H 'Content-Type: application/json' -d @- "http://127.0.0.1:$old_port/api/v1/jobs/" >/dev/null
done
sleep 5
say "the newer version starts beside it"
start newer "$riftwatch" serve --bind "127.0.0.1:$new_port"
until_true 60 "the newer version is ready" ready "$new_port"
say "migrations: $before before, $(sql -c 'SELECT count(*) FROM __diesel_schema_migrations' 2>/dev/null || echo '?') now"
sleep 10
ready "$old_port" >/dev/null || fail "the older version is not ready beside the newer one"
say "the older version stops"
stop older
sleep 5
stop newer

sql -F $'\t' -c "
    SELECT worker_id, status, COALESCE(reason, '-'), count(*)
    FROM job_executions GROUP BY 1, 2, 3 ORDER BY 1, 2"
doubled=$(sql -c "
    SELECT count(*) FROM (
        SELECT 1 FROM job_executions WHERE trigger = 'schedule'
        GROUP BY job_id, slot, scheduled_for HAVING count(*) > 1) doubled")
failed=$(sql -c "SELECT count(*) FROM job_executions WHERE status = 'failed'")
workers=$(sql -c "SELECT count(DISTINCT worker_id) FROM job_executions WHERE status = 'success'")
# Seconds between one tick of a job and the next, where the busy machine did not coalesce them.
gaps=$(sql -c "
    SELECT count(*) FROM (
        SELECT scheduled_for - lag(scheduled_for) OVER (PARTITION BY job_id ORDER BY scheduled_for) AS gap
        FROM job_executions e JOIN job_configurations c ON c.id = e.job_id
        WHERE e.trigger = 'schedule' AND c.name LIKE 'every second %') g
    WHERE gap > interval '3 s'")
[ "$doubled" = 0 ] || fail "$doubled ticks were made twice"
[ "$failed" = 0 ] || fail "$failed runs failed"
[ "$workers" = 2 ] || fail "$workers versions did work, not two"
[ "$gaps" = 0 ] || fail "$gaps times a job that recurs every second was not ticked for more than 3 s"
errors=$(grep -c ' ERROR ' "$work/older.log" "$work/newer.log" || true)
say "both versions worked, no tick was lost or doubled, no run failed; errors logged: ${errors//$'\n'/, }"
