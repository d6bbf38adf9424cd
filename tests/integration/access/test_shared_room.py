"""What one tenant takes or names tells no other of it, and takes nothing that is theirs."""

from __future__ import annotations

from typing import Any

import pytest

from tests.factories import GivenSystem, claim
from tests.integration.access.tenants import MINE, THEIRS, Headers, made_app, made_job, made_key
from tests.integration.api.client import PRINTED, Client, refusal
from tests.integration.api.people import HIDDEN

EMAIL = {"action": "send_email", "emails": [{"recipient": "a@example.com", "subject": "s", "body": "b"}]}
JOB = {"cron_expression": "0 0 1 1 *", "parameters": EMAIL}
HOST = "host:127.0.0.1"
NOW = {"type": "immediate"}


def make(client: Client, who: Headers, **changes: Any) -> Any:
    return client.simulate_post("/scheduler/jobs", headers=who, json={**JOB, **changes})


def test_a_name_in_a_shared_app_is_each_users_own(client: Client, anna: Headers, berta: Headers) -> None:
    made = [make(client, who, name="secret-payroll") for who in (anna, berta, HIDDEN)]
    assert [one.status_code for one in made] == [201, 201, 201]
    assert "yours" in refusal(make(client, anna, name="Secret-Payroll"))["name"]
    other = make(client, berta, name="other").json["id"]
    renamed = client.simulate_put(f"/scheduler/jobs/{other}", headers=berta, json={**JOB, "name": "secret-payroll"})
    assert "yours" in refusal(renamed)["name"]


def test_a_name_in_an_app_of_members_is_the_apps(client: Client, anna: Headers) -> None:
    made_app(client, anna, MINE)
    made_job(client, anna, MINE, name="payroll")
    job = {**PRINTED, "app_name": MINE, "name": "payroll", "schedule": NOW}
    for who in (anna, HIDDEN, made_key(client, anna, MINE, "read", "jobs")):
        refused = client.simulate_post("/api/jobs/create", headers=who, json=job)
        assert "another job of the app" in refusal(refused)["name"]


def test_a_key_of_an_account_names_limit_keys_within_it_alone(client: Client, anna: Headers) -> None:
    made_app(client, anna, MINE)
    key = made_key(client, anna, MINE, "read", "jobs", account_id="acc1")
    job = {**PRINTED, "app_name": MINE, "account_id": "acc1", "schedule": NOW}

    def create(who: Headers, limit_key: str) -> Any:
        return client.simulate_post("/api/jobs/create", headers=who, json={**job, "limit_key": limit_key})

    assert [create(key, one).status_code for one in ("acc1", "acc1/{{data.region}}")] == [201, 201]
    for wrong in ("acc2", "acc12", "cust-acc2", "{{data.customer}}"):
        assert set(refusal(create(key, wrong))) == {"limit_key"}
    given = create(anna, "cust-acc2").json["id"]
    path = f"/api/jobs/{given}"
    assert client.simulate_patch(path, headers=key, json={"priority": 7}).status_code == 200
    assert set(refusal(client.simulate_patch(path, headers=key, json={"limit_key": "acc2"}))) == {"limit_key"}


def test_a_key_of_an_account_is_told_what_its_account_takes_of_a_quota(client: Client, anna: Headers) -> None:
    made_app(client, anna, MINE)
    quotas = f"/api/apps/{MINE}/quotas"
    client.simulate_put(quotas, headers=HIDDEN, json={"jobs": 10, "waiting_runs": 10})
    for account in ("acc1", "acc2", "acc2"):
        made_job(client, anna, MINE, account_id=account, schedule=NOW)
    keys = [made_key(client, anna, MINE, "read", account_id=account) for account in ("acc1", "acc2", "acc3")]
    taken = [client.simulate_get(quotas, headers=who).json["taken"] for who in (anna, *keys)]
    assert [(one["jobs"], one["waiting_runs"]) for one in taken] == [(3, 3), (1, 1), (2, 2), (0, 0)]


@pytest.mark.parametrize("key", [HOST, "installation"])
def test_why_tells_no_tenant_the_values_of_a_limit_that_is_not_theirs_to_see(
    guarded: GivenSystem, client: Client, anna: Headers, berta: Headers, key: str
) -> None:
    client.simulate_put(f"/api/limits/{key}", headers=HIDDEN, json={"concurrency": 1})
    made_app(client, berta, THEIRS)
    made_app(client, anna, MINE)
    made_job(client, berta, THEIRS, schedule=NOW)
    claim(guarded)
    waiting = made_job(client, anna, MINE, schedule=NOW)
    claim(guarded)
    why = f"/api/jobs/{waiting}/why"
    to_tenant, to_operator = (
        client.simulate_get(why, headers=who, params={"at": "2026-11-20T12:00:00Z"}).json["answer"]
        for who in (anna, HIDDEN)
    )
    assert "limit" in to_tenant
    assert [words for words in ("may have", "others", "under way", "free worker") if words in to_tenant] == []
    assert "may have 1 runs at once" in to_operator
    assert "under way: " in to_operator
