"""A job that moves to another account leaves its former runs behind: keys and lists of that one have none of them."""

from __future__ import annotations

from typing import Any
from uuid import UUID

import pytest

from api.live.frames import Round, Told
from api.resources.events import EventsOf
from core.errors import PermanentFailure
from core.principals import LOCAL, Membership, Principal, PrincipalKind
from core.scopes import Role
from models import database
from models.tables import Job
from services.changes.looking import Watch
from services.execution.work import Failed
from tests.factories import GivenSystem, claim_one, record, runs_of
from tests.factories import polled as to_page
from tests.integration.access.tenants import MINE, Headers, made_app, made_job, made_key
from tests.integration.api.client import NO_JOB, Client
from tests.integration.execution.attempting import attempt, make_due_again


@pytest.fixture
def moved(client: Client, guarded: GivenSystem, anna: Headers) -> str:
    """A job that was of acc1 when a run of it failed, and is of acc2 since."""
    job = made_job(client, anna, made_app(client, anna, MINE))
    result = client.simulate_post(f"/api/jobs/{job}/trigger", headers=anna)
    assert result.status_code == 201, result.text
    record(guarded, claim_one(guarded), Failed(PermanentFailure("of acc1"), result="of acc1"))
    guarded.clock.advance(1)
    result = client.simulate_patch(f"/api/jobs/{job}", headers=anna, json={"account_id": "acc2"})
    assert result.status_code == 200, result.text
    return job


@pytest.fixture
def key(client: Client, moved: str, anna: Headers) -> Headers:
    return made_key(client, anna, MINE, "read", "operate", "jobs", account_id="acc2")


@pytest.fixture
def polled(client: Client, guarded: GivenSystem, anna: Headers) -> str:
    """A polling job that was of acc1 as it came to pages 1 and 2, and is of acc2 since."""
    app = made_app(client, anna, MINE)
    job = made_job(client, anna, app, schedule={"type": "polling", "interval_seconds": 30})
    for number in (1, 2):
        poll(guarded, job, number)
    guarded.clock.advance(1)
    client.simulate_patch(f"/api/jobs/{job}", headers=anna, json={"account_id": "acc2"})
    return job


def poll(system: GivenSystem, job: str, number: int) -> None:
    attempt(system, to_page({"page": number}))
    make_due_again(system, runs_of(UUID(job))[-1].id)


def former_run(job: str) -> str:
    [found] = [str(one.id) for one in runs_of(UUID(job)) if one.account_id == "acc1"]
    return found


def test_a_key_of_the_new_account_lists_no_run_of_the_former_one(
    client: Client, moved: str, key: Headers, anna: Headers
) -> None:
    former = former_run(moved)

    def listed(who: Headers, path: str) -> str:
        result = client.simulate_get(path, headers=who)
        assert result.status_code == 200, result.text
        return result.text

    for path in ("/api/runs", f"/api/jobs/{moved}/runs", f"/api/jobs/{moved}/executions"):
        assert former in listed(anna, path)
        assert former not in listed(key, path)
    assert "of acc1" in listed(anna, "/api/failures")
    assert "of acc1" not in listed(key, "/api/failures")


@pytest.mark.parametrize(("method", "path"), [("GET", ""), ("GET", "/log"), ("POST", "/replay"), ("POST", "/cancel")])
def test_to_a_key_of_the_new_account_a_former_run_is_not_there(
    client: Client, moved: str, key: Headers, method: str, path: str
) -> None:
    former = former_run(moved)
    found = client.simulate_request(method, f"/api/runs/{former}{path}", headers=key)
    missing = client.simulate_request(method, f"/api/runs/{NO_JOB}{path}", headers=key)
    assert found.status_code == missing.status_code == 404
    assert found.json["detail"].replace(former, NO_JOB) == missing.json["detail"]


def test_a_key_of_the_new_account_sees_and_runs_what_is_its_own(client: Client, moved: str, key: Headers) -> None:
    made = client.simulate_post(f"/api/jobs/{moved}/trigger", headers=key)
    assert made.status_code == 201, made.text
    assert client.simulate_get(f"/api/runs/{made.json['id']}", headers=key).status_code == 200
    shown = client.simulate_get(f"/api/jobs/{moved}/runs", headers=key).json["results"]
    assert made.json["id"] in [one["id"] for one in shown]


def test_what_is_shown_of_a_job_itself_tells_a_key_of_the_new_account_nothing_of_former_runs(
    client: Client, moved: str, key: Headers, anna: Headers
) -> None:
    [at] = [one.scheduled_for.isoformat() for one in runs_of(UUID(moved)) if one.account_id == "acc1"]

    def shown(who: Headers, path: str, **query: str) -> Any:
        result = client.simulate_get(path, headers=who, params=query)
        assert result.status_code == 200, result.text
        return result.json

    assert "of acc1" in str(shown(anna, f"/api/jobs/{moved}/status"))
    assert shown(key, f"/api/jobs/{moved}/status")["logs"] == []
    assert [shown(who, f"/api/jobs/{moved}")["result"] for who in (anna, key)] == ["of acc1", None]
    assert [shown(who, "/api/jobs")["results"][0]["result"] for who in (anna, key)] == ["of acc1", None]
    days = [shown(who, f"/api/jobs/{moved}/calendar")["results"] for who in (anna, key)]
    assert [sum(day["failed"] or 0 for day in one) for one in days] == [1, 0]
    explained = [shown(who, f"/api/jobs/{moved}/why", at=at) for who in (anna, key)]
    assert [one["run_id"] for one in explained] == [former_run(moved), None]
    assert explained[1]["answer"] == "The job was another account's at that instant."


def test_a_key_of_the_new_account_retries_no_run_of_the_former_one(
    client: Client, guarded: GivenSystem, anna: Headers
) -> None:
    job = made_job(client, anna, made_app(client, anna, MINE), schedule={"type": "immediate"})
    record(guarded, claim_one(guarded), Failed(PermanentFailure("of acc1")))
    with database.transaction():  # what has ended is edited no more; a release that allowed it may have moved it
        Job.update(account_id="acc2").execute()
    of_the_new = made_key(client, anna, MINE, "operate", account_id="acc2")
    assert client.simulate_post(f"/api/jobs/{job}/retry", headers=of_the_new).status_code == 409
    assert len(runs_of(UUID(job))) == 1
    assert client.simulate_post(f"/api/jobs/{job}/retry", headers=anna).status_code == 200


def test_a_key_of_the_new_account_gets_the_present_polling_state_and_those_since(
    client: Client, guarded: GivenSystem, polled: str, anna: Headers
) -> None:
    key = made_key(client, anna, MINE, "read", "operate", account_id="acc2")

    def versions(who: Headers) -> list[int]:
        result = client.simulate_get(f"/api/jobs/{polled}/polling-states", headers=who)
        return [one["version"] for one in result.json["results"]]

    def rewound(version: int) -> Any:
        return client.simulate_post(f"/api/jobs/{polled}/rewind", headers=key, json={"version": version}).status_code

    assert (versions(anna), versions(key)) == ([2, 1, 0], [2])
    guarded.clock.advance(60)
    poll(guarded, polled, 3)
    assert (versions(anna), versions(key)) == ([3, 2, 1, 0], [3])
    assert (rewound(1), rewound(3)) == (404, 200)


def test_the_live_channel_tells_a_key_of_the_new_account_nothing_of_former_runs(
    guarded: GivenSystem, moved: str
) -> None:
    app_id = runs_of(UUID(moved))[0].job.app_id
    member = (Membership(app_id, MINE, Role.OWNER),)
    bound = Principal(PrincipalKind.KEY, memberships=member, key_id=UUID(int=1), account_id="acc2")
    with Watch().look() as look:
        current = Round(look, 0.0)
        current.read([UUID(moved)], [])
        told = Told([UUID(moved)])
        texts = [EventsOf(["jobs"], None).tell(current, who, told)[0].text for who in (LOCAL, bound)]
        logs = [look.log_of(who, UUID(moved)) for who in (LOCAL, bound)]
    assert ["of acc1" in text for text in texts] == [True, False]
    assert [bool(log) for log in logs] == [True, False]


def test_a_filter_by_account_is_about_the_account_that_runs_were_made_for(
    client: Client, moved: str, anna: Headers
) -> None:
    def listed(path: str, account: str) -> str:
        result = client.simulate_get(path, headers=anna, params={"account_id": account})
        assert result.status_code == 200, result.text
        return result.text

    former = former_run(moved)
    for path in ("/api/runs", "/api/failures"):
        assert [former in listed(path, account) for account in ("acc1", "acc2")] == [True, False], path


@pytest.mark.parametrize(("path", "more"), [("replay", {}), ("actions", {"action": "dismiss"})])
def test_an_action_on_the_runs_of_an_account_leaves_those_of_others_alone(
    client: Client, moved: str, anna: Headers, path: str, more: dict[str, str]
) -> None:
    def matched(account: str) -> int:
        wanted = {**more, "filter": {"account_id": account}, "dry_run": True}
        result = client.simulate_post(f"/api/runs/{path}", headers=anna, json=wanted)
        assert result.status_code == 200, result.text
        found: int = result.json["matched"]
        return found

    assert (matched("acc1"), matched("acc2")) == (1, 0)
