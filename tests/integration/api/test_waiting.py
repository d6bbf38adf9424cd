"""What waits over HTTP: by reason, of the caller's jobs alone, as the page Queues shows it."""

from __future__ import annotations

import pytest

from core.rates import Rate
from services.reading import waiting
from tests.factories import claim, given_system
from tests.integration.access.tenants import MINE, SETTINGS, THEIRS, made_app, made_key
from tests.integration.api.client import Client, refusal, served
from tests.integration.api.people import HIDDEN, token_of


def test_what_waits_is_grouped_by_whom_and_for_what(client: Client) -> None:
    for _ in range(2):
        client.simulate_post(f"/api/jobs/{client.create(account_id='acc2')}/pause")
    client.create(schedule={"type": "immediate"})
    client.create(schedule={"type": "run_at", "timestamp": "2026-11-20T13:00:00Z"})
    found = client.simulate_get("/api/waiting").json
    assert (found["count"], found["is_cut"]) == (3, False)
    paused, free = found["groups"]
    assert paused == {
        "app_name": "app_a",
        "account_id": "acc2",
        "queue": "runs.http",
        "held_by": "paused",
        "held_key": None,
        "held_until": None,
        "count": 2,
        "oldest_due_at": "2026-11-20T12:00:00Z",
        "next_at": None,
    }
    assert (free["account_id"], free["held_by"], free["count"]) == ("acc1", None, 1)
    for query, count in (("app_name=app_a", 3), ("app_name=app_b", 0), ("account_id=acc2", 2)):
        assert client.simulate_get("/api/waiting", query_string=query).json["count"] == count, query
    assert set(refusal(client.simulate_get("/api/waiting?status=paused"))) == {"status"}


def test_a_key_that_lets_no_call_begin_says_when_it_will(sqlite: str, monkeypatch: pytest.MonkeyPatch) -> None:
    system = given_system(account_rate=Rate(calls=1, seconds=60))
    client = Client(served(system))
    for _ in range(2):
        client.create(schedule={"type": "immediate"})
    claim(system)
    [held] = client.simulate_get("/api/waiting").json["groups"]
    assert (held["held_by"], held["held_key"]) == ("rate_limit", "account:app_a/acc1")
    assert held["next_at"] == "2026-11-20T12:01:00Z"
    monkeypatch.setattr(waiting, "MAX_COUNTED", 0)
    found = client.simulate_get("/api/waiting").json
    assert (found["count"], found["is_cut"]) == (0, True)


def test_it_tells_of_the_callers_jobs_alone(sqlite: str) -> None:
    client = Client(served(given_system(**SETTINGS)))
    anna, berta = token_of(client, "anna"), token_of(client, "berta")
    made_app(client, anna, MINE)
    made_app(client, berta, THEIRS)
    body = {"app_name": MINE, "task_type": "greet", "user_id": "u", "schedule": {"type": "immediate"}}
    for account in ("acc1", "acc2"):
        made = client.simulate_post("/api/jobs/create", headers=anna, json={**body, "account_id": account})
        assert made.status_code == 201, made.text
    of_account = made_key(client, anna, MINE, "read", account_id="acc1")
    for who, accounts in ((anna, {"acc1", "acc2"}), (HIDDEN, {"acc1", "acc2"}), (of_account, {"acc1"}), (berta, set())):
        groups = client.simulate_get("/api/waiting", headers=who).json["groups"]
        assert {one["account_id"] for one in groups} == accounts
    assert client.simulate_get("/api/waiting").status_code == 401
