#!/usr/bin/env bash
# The processes of docker-compose.yml, run by hand on loopback: PostgreSQL, a simulated Riot API,
# one api, one scheduler and two workers. At the end the tables are asked whether the work was
# shared and nothing was lost or doubled.
#
#   deploy/cluster.sh [--for SECONDS] [--kill]
#
# --kill: half-way, one of the two workers is killed with SIGKILL. Its runs are closed when its
# lease has run out, 15 seconds later, so this takes 40 seconds or more.
# shellcheck source-path=SCRIPTDIR source=processes.sh
. "$(dirname "$0")/processes.sh"

seconds=30 kill_one=no
while [ $# -gt 0 ]; do
    case $1 in
    --for) seconds=${2:?seconds} && shift 2 ;;
    --kill) kill_one=yes && shift ;;
    *) fail "unknown option $1: deploy/cluster.sh [--for SECONDS] [--kill]" ;;
    esac
done
if [ "$kill_one" = yes ] && [ "$seconds" -lt 40 ]; then seconds=40; fi

build
start_database
start_simulator --limits production --players 500 --speed 60
"$riftwatch" migrate >/dev/null

# Each on a port of its own: all of them answer /health and /metrics.
export AUTH_MODE=off JOB_SHUTDOWN_GRACE_SECONDS=10
declare -A port
for name in api scheduler worker1 worker2; do
    port[$name]=$(free_port)
    start "$name" "$riftwatch" serve --role "${name%[12]}" --bind "127.0.0.1:${port[$name]}"
done
for name in api scheduler worker1 worker2; do
    until_true 30 "$name is ready" ready "${port[$name]}"
done
api=http://127.0.0.1:${port[api]}/api/v1
say "api $api, scheduler, two workers; PostgreSQL: psql '$DATABASE_URL'"

curl -fsS "$simulator/sim/players?limit=5" | jq -r '.[] | [.riot_id, .platform] | @tsv' |
    while IFS=$'\t' read -r riot_id platform; do
        jq -n --arg riot_id "$riot_id" --arg platform "$platform" '$ARGS.named' |
            curl -fsS -H 'Content-Type: application/json' -d @- "$api/players/track" >/dev/null
    done
updater=$(curl -fsS "$api/jobs/" | jq '.items[] | select(.name == "tracked_player_updater").id')
curl -fsS -X POST "$api/jobs/$updater/trigger" >/dev/null
# Twenty jobs that recur every second give both workers something to do.
for n in $(seq 20); do
    jq -n --arg name "every second $n" \
        '{name: $name, job_type: "rank_monitor", interval_seconds: 1}' |
        curl -fsS -H 'Content-Type: application/json' -d @- "$api/jobs/" >/dev/null
done

if [ "$kill_one" = yes ]; then
    sleep $((seconds / 2))
    kill -KILL "$(cat "$work/worker2.pid")"
    sleep $((seconds - seconds / 2))
else
    sleep "$seconds"
fi

stop scheduler
stop worker1
stop worker2 "$([ "$kill_one" = yes ] && echo 137 || echo 0)"
stop api

say "runs by process and result:"
sql -F $'\t' -c "
    SELECT COALESCE(worker_id::text, 'none'), status, COALESCE(reason, '-'), count(*)
    FROM job_executions GROUP BY 1, 2, 3 ORDER BY 1, 2, 3"
say "stored: $(sql -c 'SELECT count(*) FROM matches') matches, $(sql -c 'SELECT count(*) FROM players') players"

workers=$(sql -c "SELECT count(DISTINCT worker_id) FROM job_executions WHERE status = 'success'")
doubled=$(sql -c "
    SELECT count(*) FROM (
        SELECT 1 FROM job_executions WHERE trigger = 'schedule'
        GROUP BY job_id, slot, scheduled_for HAVING count(*) > 1) doubled")
running=$(sql -c "SELECT count(*) FROM job_executions WHERE status = 'running'")
lost=$(sql -c "SELECT count(*) FROM job_executions WHERE reason = 'lost'")
[ "$workers" = 2 ] || fail "$workers processes did work, not two"
[ "$doubled" = 0 ] || fail "$doubled ticks were made twice"
[ "$running" = 0 ] || fail "$running runs are still running"
[ "$lost" = 0 ] || [ "$kill_one" = yes ] || fail "$lost runs were lost, though nobody was killed"
[ "$(sql -c 'SELECT count(*) FROM matches')" -gt 0 ] || fail "no match was stored"
say "two workers shared the runs; none was doubled; $lost closed as lost with a killed process"
