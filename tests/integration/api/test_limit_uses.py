"""Who uses a limited key, as the API tells those who may see the runs."""

from __future__ import annotations

from models.tables import Job
from tests.factories import claim, given_system, record, succeeded
from tests.integration.access.tenants import MINE, SETTINGS, made_app, made_job, made_key
from tests.integration.api.client import Client, served
from tests.integration.api.people import token_of

KEY = f"/api/limits/account:{MINE}/acc1"


def test_a_key_tells_when_its_permits_are_free_to_those_who_see_the_runs(sqlite: str) -> None:
    system = given_system(**SETTINGS, callback_time_limit_seconds=30)
    client = Client(served(system))
    owner = token_of(client, "anna")
    made_app(client, owner, MINE)
    of_account = made_key(client, owner, MINE, "read", account_id="acc1")
    assert client.simulate_put(KEY, headers=owner, json={"rate": {"calls": 9, "per_seconds": 60}}).status_code == 201
    for _ in range(3):
        made_job(client, owner, MINE, schedule={"type": "immediate"}, max_retries=0)
    ended, moved, running = claim(system)
    system.clock.advance(10)
    for work in (ended, moved):
        record(system, work, succeeded())
    shown = client.simulate_get(KEY, headers=owner).json
    under_way = [{"run_id": str(running.run_id), "ends_by": "2026-11-20T12:00:30Z"}]
    counted = [
        {"run_id": str(work.run_id), "ended_at": "2026-11-20T12:00:10Z", "free_at": "2026-11-20T12:01:10Z"}
        for work in (ended, moved)
    ]
    assert shown["holders"] == [str(running.run_id)]
    assert shown["under_way"] == under_way
    assert sorted(shown["still_counted"], key=str) == sorted(counted, key=str)
    with system.transaction():
        Job.update(account_id="acc2").where(Job.id == moved.job_id).execute()
    seen = client.simulate_get(KEY, headers=of_account).json
    assert (seen["running"], seen["ended"]) == (1, 2)
    assert (seen["under_way"], seen["still_counted"]) == (under_way, counted[:1])
