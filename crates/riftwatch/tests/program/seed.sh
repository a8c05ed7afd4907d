#!/usr/bin/env bash
# The guide's commands and statements, as they stand there; around them, checks of what they answer.
# Placeholders in braces and angle brackets are what the reader of the guide fills in.
set -euo pipefail

fail() {
    printf 'seed: %s\n' "$*" >&2
    exit 1
}
sql() { psql -X -v ON_ERROR_STOP=1 -At "$DATABASE_URL" "$@"; }
# Runs a command read from standard input, with {job_id} and {execution_id} filled in.
run() {
    local text
    text=$(cat)
    text=${text//\{job_id\}/$job_id}
    text=${text//\{execution_id\}/$execution_id}
    eval "$text"
}

job_id=$(sql -c "SELECT id FROM job_configurations WHERE name = 'tracked_player_updater'")
execution_id=$(sql -c "SELECT max(id) FROM job_executions WHERE status = 'success'")

echo "== monitoring via the API"
overview=$(run <<'COMMAND'
curl http://localhost:8000/api/v1/jobs/status/overview
COMMAND
)
jq -e '.scheduler_running == true and .active_jobs >= 1' <<<"$overview" || fail "overview: $overview"
jobs=$(run <<'COMMAND'
curl http://localhost:8000/api/v1/jobs/
COMMAND
)
jq -e '.items | map(.name) | index("tracked_player_updater") != null' <<<"$jobs" || fail "jobs: $jobs"
history=$(run <<'COMMAND'
curl http://localhost:8000/api/v1/jobs/{job_id}/executions
COMMAND
)
jq -e '.items | length >= 1' <<<"$history" || fail "executions: $history"
one=$(run <<'COMMAND'
curl http://localhost:8000/api/v1/jobs/executions/{execution_id}
COMMAND
)
jq -e '.status == "success" and .metrics.players_updated >= 0 and .started_at != null' <<<"$one" || fail "execution: $one"

echo "== monitoring via the database"
sql <<'STATEMENTS' >/dev/null
-- Recent job executions
SELECT
    jc.name,
    je.status,
    je.started_at,
    je.ended_at,
    je.metrics,
    je.log_data
FROM job_executions je
JOIN job_configurations jc ON je.job_id = jc.id
ORDER BY je.started_at DESC
LIMIT 20;

-- Failed jobs
SELECT * FROM job_executions
WHERE status = 'failed'
ORDER BY started_at DESC;
STATEMENTS
rate=$(sql <<'STATEMENTS'
-- Job success rate
SELECT
    jc.name,
    COUNT(*) FILTER (WHERE je.status = 'success') as successes,
    COUNT(*) FILTER (WHERE je.status = 'failed') as failures,
    ROUND(
        COUNT(*) FILTER (WHERE je.status = 'success')::numeric / COUNT(*) * 100,
        2
    ) as success_rate
FROM job_executions je
JOIN job_configurations jc ON je.job_id = jc.id
GROUP BY jc.name;
STATEMENTS
)
grep -q '^tracked_player_updater|' <<<"$rate" || fail "success rate: $rate"

echo "== managing a job"
run <<'COMMAND' | jq -e '.enabled == false' || fail "disabling"
curl -X PUT http://localhost:8000/api/v1/jobs/{job_id} \
  -H "Content-Type: application/json" \
  -d '{"enabled": false}'
COMMAND
run <<'COMMAND' | jq -e '.enabled == true and .next_run_at != null' || fail "enabling"
curl -X PUT http://localhost:8000/api/v1/jobs/{job_id} \
  -H "Content-Type: application/json" \
  -d '{"enabled": true}'
COMMAND
run <<'COMMAND' | jq -e '.interval_seconds == 300' || fail "the interval"
curl -X PUT http://localhost:8000/api/v1/jobs/{job_id} \
  -H "Content-Type: application/json" \
  -d '{"interval_seconds": 300}'  # Every 5 minutes
COMMAND
run <<'COMMAND' | jq -e '.execution_id != null or .error.code != null' || fail "the trigger"
curl -X POST http://localhost:8000/api/v1/jobs/{job_id}/trigger
COMMAND

echo "== a job by hand-written SQL, as the guide writes it, is ticked"
sql <<'STATEMENTS' >/dev/null
INSERT INTO job_configurations (name, job_type, interval_seconds, enabled, config_json)
VALUES ('rank_monitor', 'rank_monitor', 300, true, '{"rank_threshold": 2}');
STATEMENTS
ticked=0
for _ in $(seq 100); do
    ticked=$(sql -c "SELECT count(*) FROM job_executions WHERE job_name = 'rank_monitor'")
    [ "$ticked" -gt 0 ] && break
    sleep 0.05
done
[ "$ticked" -gt 0 ] || fail "the inserted job was not ticked within 5 seconds"

echo "== a job over the API, as the guide writes it"
sql -c "DELETE FROM job_configurations WHERE name = 'rank_monitor'" >/dev/null
run <<'COMMAND' | jq -e '.name == "rank_monitor" and .config_json.rank_threshold == 2' || fail "creating the job"
curl -X POST http://localhost:8000/api/v1/jobs/ \
  -H "Content-Type: application/json" \
  -d '{
    "name": "rank_monitor",
    "job_type": "rank_monitor",
    "interval_seconds": 300,
    "enabled": true,
    "config_json": {"rank_threshold": 2}
  }'
COMMAND

echo "== a stuck run, marked by hand"
sql -v ON_ERROR_STOP=1 <<STATEMENTS >/dev/null
UPDATE job_executions
SET status = 'failed',
    ended_at = NOW(),
    log_data = '{"error": "Marked as failed manually"}'
WHERE id = '$execution_id';
STATEMENTS
marked=$(run <<'COMMAND'
curl http://localhost:8000/api/v1/jobs/executions/{execution_id}
COMMAND
)
jq -e '.status == "failed" and .log_data.error == "Marked as failed manually"' <<<"$marked" || fail "marked: $marked"
echo "== all of it works"
