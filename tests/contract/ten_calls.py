"""Ten calls with the client that was generated from the description."""

import sys

from client import AuthenticatedClient
from client.api.jobs import (
    delete_jobs_job_id,
    get_jobs,
    get_jobs_job_id,
    get_jobs_schedule_preview,
    get_jobs_status_overview,
    get_jobs_types,
    post_jobs,
    post_jobs_job_id_trigger,
)
from client.api.players import get_players_tracked
from client.api.service import get_health_live
from client.models import NewJobRequest

server, token = sys.argv[1:]
client = AuthenticatedClient(base_url=server, token=token)


def call(endpoint, expected, **arguments):
    answer = endpoint.sync_detailed(client=client, **arguments)
    name = endpoint.__name__.rsplit(".", 1)[-1]
    assert answer.status_code == expected, (name, answer.status_code, answer.content)
    print(f"  {name}: {int(answer.status_code)}")
    return answer.parsed


assert call(get_health_live, 200).status == "live"
kinds = [kind.job_type for kind in call(get_jobs_types, 200).items]
assert "rank_monitor" in kinds, kinds
job = call(post_jobs, 201, body=NewJobRequest(name="ten calls", job_type="rank_monitor", manual_only=True))
assert call(get_jobs_job_id, 200, job_id=job.id).name == "ten calls"
assert any(item.id == job.id for item in call(get_jobs, 200, limit=200).items)
run = call(post_jobs_job_id_trigger, 202, job_id=job.id)
assert run.execution_id > 0
assert len(call(get_jobs_schedule_preview, 200, cron="30 4 * * *", time_zone="Europe/Berlin").items) == 10
assert call(get_jobs_status_overview, 200).total_jobs > 0
assert call(get_players_tracked, 200).next_cursor is None
call(delete_jobs_job_id, 204, job_id=job.id)
