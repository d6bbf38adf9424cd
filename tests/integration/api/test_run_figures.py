"""Figures of runs, as callers of the API get them: by app, task type and job, what is refused, whose they are."""

from __future__ import annotations

import pytest

from core.scopes import Role
from tests.factories import GivenSystem, claim, given_system, record, refused, succeeded
from tests.integration.access.tenants import MINE, SETTINGS, THEIRS, joined, made_app, made_job, made_key
from tests.integration.api.client import Client, refusal, served
from tests.integration.api.people import HIDDEN, token_of

PATH = "/api/stats/runs"
NOW = {"type": "immediate"}


def ran(client: Client, system: GivenSystem, seconds: float, **changes: object) -> str:
    """The id of a job whose run completed after so many seconds."""
    job_id = client.create(schedule=NOW, **changes)
    [work] = claim(system)
    system.clock.advance(seconds)
    record(system, work, succeeded())
    return job_id


def test_runs_are_counted_by_app_with_how_long_they_took(client: Client, system: GivenSystem) -> None:
    ran(client, system, 2)
    ran(client, system, 4)
    client.create(schedule=NOW)
    [work] = claim(system)
    record(system, work, refused())
    assert client.simulate_get(PATH).json == {
        "counted_since": "2026-11-20T11:00:06Z",
        "runs_are_cut": False,
        "count": 1,
        "results": [
            {
                "app_name": "app_a",
                "task_type": None,
                "job_id": None,
                "job_name": None,
                "job_title": None,
                "ended": 3,
                "completed": 2,
                "failed": 1,
                "duration_p50_seconds": 2.0,
                "duration_p95_seconds": 4.0,
            }
        ],
    }


def test_runs_are_counted_by_task_type_and_job_filtered_and_cut(client: Client, system: GivenSystem) -> None:
    first = ran(client, system, 1, name="first", account_id="acme")
    second = ran(client, system, 1, title="Second", task_type="sync")
    system.clock.advance(120)
    newest = ran(client, system, 1, app_name="app_b")
    by_type = client.simulate_get(f"{PATH}?by=task_type").json["results"]
    types = {(one["app_name"], one["task_type"], one["job_id"]) for one in by_type}
    assert types == {
        (app, name, None) for app, name in (("app_a", "polling_task"), ("app_a", "sync"), ("app_b", "polling_task"))
    }
    by_job = client.simulate_get(f"{PATH}?by=job").json["results"]
    assert {(one["job_id"], one["job_name"], one["job_title"]) for one in by_job} == {
        (first, "first", None),
        (second, None, "Second"),
        (newest, None, None),
    }
    for query, expected in (
        ("minutes=2", [newest]),
        ("account_id=acme", [first]),
        ("task_type=sync", [second]),
        ("app_name=APP_B", [newest]),
        ("app_name=none", []),
    ):
        assert [one["job_id"] for one in client.simulate_get(f"{PATH}?by=job&{query}").json["results"]] == expected
    cut = client.simulate_get(f"{PATH}?by=job&limit=1").json
    assert (len(cut["results"]), cut["count"]) == (1, 3)


@pytest.mark.parametrize(
    "query",
    ["by=account", "by=", "minutes=0", "minutes=1441", "limit=0", "limit=101", "task_type=", "app_name=", "page=2"],
)
def test_a_question_that_cannot_be_is_refused(client: Client, query: str) -> None:
    name, _, value = query.partition("=")
    assert set(refusal(client.simulate_get(PATH, params={name: value}))) == {name}


@pytest.mark.parametrize("by", ["app", "task_type", "job"])
def test_tenants_see_figures_of_their_apps_and_a_key_of_one_account_of_its_runs(sqlite: str, by: str) -> None:
    system = given_system(**SETTINGS)
    client = Client(served(system))
    anna, berta = token_of(client, "anna"), token_of(client, "berta")
    made_app(client, anna, MINE)
    made_app(client, berta, THEIRS)
    for who, app, account in ((anna, MINE, "acc1"), (anna, MINE, "acc2"), (berta, THEIRS, "acc1")):
        made_job(client, who, app, account_id=account, schedule=NOW)
    for work in claim(system):
        record(system, work, succeeded())
    bound = made_key(client, anna, MINE, "read", account_id="acc2")
    for who, expected in (
        (anna, {MINE: 2}),
        (joined(client, anna, MINE, "clara", Role.VIEWER), {MINE: 2}),
        (made_key(client, anna, MINE, "read"), {MINE: 2}),
        (bound, {MINE: 1}),
        (berta, {THEIRS: 1}),
        (token_of(client, "dora"), {}),
        (HIDDEN, {MINE: 2, THEIRS: 1}),
    ):
        counts: dict[str, int] = {}
        for one in client.simulate_get(f"{PATH}?by={by}", headers=who).json["results"]:
            counts[one["app_name"]] = counts.get(one["app_name"], 0) + one["ended"]
        assert counts == expected
    assert client.simulate_get(f"{PATH}?by={by}&app_name={MINE}", headers=berta).json["results"] == []
    assert client.simulate_get(f"{PATH}?by={by}&account_id=acc1", headers=bound).json["results"] == []
    assert client.simulate_get(PATH, headers=made_key(client, anna, MINE, "operate")).status_code == 403
    assert client.simulate_get(PATH).status_code == 401
