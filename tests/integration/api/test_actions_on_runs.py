"""`POST /api/runs/actions` and `GET /api/failures`."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest

from tests.factories import GivenSystem, given_system, stored_run, succeeded
from tests.integration.api.client import NO_JOB, Client
from tests.integration.api.keyed import a_failed_run
from tests.integration.execution.attempting import attempt


@pytest.fixture
def system(sqlite: str) -> GivenSystem:
    return given_system()


def act(client: Client, **body: Any) -> Any:
    return client.simulate_post("/api/runs/actions", json=body)


def test_a_group_of_failures_is_found_dismissed_and_gone(client: Client, system: GivenSystem) -> None:
    run = a_failed_run(system, client)
    [group] = client.simulate_get("/api/failures").json["groups"]
    assert (group["count"], group["run_id"]) == (1, str(run.id))
    tried = act(client, action="dismiss", filter={"failure": group["reason"]}, dry_run=True).json
    assert (tried["matched"], tried["changed"], tried["dry_run"]) == (1, 1, True)
    assert act(client, action="dismiss", filter={"ids": [str(run.id)]}, reason="Known").json["changed"] == 1
    assert client.simulate_get("/api/failures").json == {"groups": [], "count": 0, "is_cut": False, "given_up": []}
    [entry] = client.simulate_get("/api/audit", params={"thing_id": str(run.id)}).json["results"]
    assert (entry["action"], entry["reason"]) == ("run.dismissed", "Known")


def test_a_group_names_the_host_that_was_called_which_lists_and_actions_take_too(
    client: Client, system: GivenSystem
) -> None:
    run = a_failed_run(system, client)
    [group] = client.simulate_get("/api/failures").json["groups"]
    assert group["host"] == "127.0.0.1"
    for host, count in (("127.0.0.1", 1), ("another.example", 0), ("-", 0)):
        assert client.simulate_get("/api/failures", params={"host": host}).json["count"] == count
        listed = client.simulate_get("/api/runs", params={"host": host, "failure": group["reason"]}).json
        assert [one["id"] for one in listed["results"]] == [str(run.id)] * count
        tried = act(client, action="dismiss", filter={"host": host, "failure": group["reason"]}, dry_run=True)
        assert tried.json["matched"] == count


def test_failures_may_be_asked_for_up_to_an_instant_which_runs_and_actions_take_too(
    client: Client, system: GivenSystem
) -> None:
    ended = stored_run(a_failed_run(system, client).id).finished_at
    assert ended is not None
    for before, count in ((ended, 0), (ended + timedelta(seconds=1), 1)):
        bound = {"finished_before": before.isoformat()}
        assert client.simulate_get("/api/failures", params=bound).json["count"] == count
        assert client.simulate_get("/api/runs", params={**bound, "status": "failed"}).json["count"] == count
        assert act(client, action="dismiss", filter=bound, dry_run=True).json["matched"] == count


def test_a_failed_run_is_not_cancelled_and_says_so(client: Client, system: GivenSystem) -> None:
    run = a_failed_run(system, client)
    outcome = act(client, action="cancel", filter={"ids": [str(run.id)]}).json
    assert outcome["changed"] == 0
    assert "is failed; only a run that has not ended can be cancelled" in outcome["refused"][0]["detail"]
    assert stored_run(run.id).status == "failed"


def test_completed_runs_are_replayed_with_again(client: Client, system: GivenSystem) -> None:
    client.create(schedule={"type": "immediate"})
    work, _ = attempt(system, succeeded())
    named: dict[str, Any] = {"action": "replay", "filter": {"ids": [str(work.run_id)]}}
    assert act(client, **named).json["changed"] == 0
    before = system.clock.advance(1).isoformat()
    by_filter = {"action": "replay", "filter": {"status": "completed", "finished_before": before}, "again": True}
    assert act(client, **by_filter, dry_run=True).json["changed"] == 1
    assert act(client, **named, again=True).json["changed"] == 1


@pytest.mark.parametrize(
    ("body", "field"),
    [
        ({"action": "replay"}, "all"),
        ({"action": "sing", "all": True}, "action"),
        ({"action": "replay", "filter": {"ids": []}}, "filter.ids"),
        ({"action": "replay", "filter": {"ids": ["1"]}}, "filter.ids.0"),
        ({"action": "replay", "filter": {"ids": [NO_JOB] * 1_001}}, "filter.ids"),
        ({"action": "replay", "filter": {"failure": ""}}, "filter.failure"),
        ({"action": "replay", "all": True, "limit": 0}, "limit"),
        ({"action": "cancel", "all": True, "again": True}, "again"),
        ({"action": "replay", "all": True, "again": True}, "filter.finished_before"),
    ],
)
def test_what_is_wrong_is_refused_by_its_field(client: Client, body: dict[str, Any], field: str) -> None:
    result = act(client, **body)
    assert result.status_code == 400
    assert [one["field"] for one in result.json["errors"]] == [field]
    assert client.simulate_get("/api/failures", params={"hours": "0"}).status_code == 400
