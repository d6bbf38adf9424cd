"""Who may listen to server-sent events, to what, and how long."""

from __future__ import annotations

import asyncio
from uuid import UUID

import pytest

from api.posted_forms import FORM
from api.sites import COOKIE
from core.principals import LOCAL
from services.access import tokens
from services.jobs import failures
from tests.factories import claim_one, given_system, record, refused, runs_of
from tests.integration.access.tenants import MINE, SETTINGS, THEIRS, made_app, made_job, made_key
from tests.integration.api.client import NO_JOB, Client, served
from tests.integration.api.listening import conducted, events
from tests.integration.api.test_accounts import HIDDEN, PASSWORD, SECRET, register, token_of

COMMENTS = 5  # that come after what would have been told

pytestmark = pytest.mark.usefixtures("prompt_streams")


def test_each_is_told_of_their_own_jobs_alone(store: str) -> None:
    system = given_system(internal_secret=SECRET, admin_usernames="root")
    client = Client(served(system))
    anna, berta = token_of(client, "anna"), token_of(client, "berta")

    async def scene() -> None:
        async with (
            conducted(served(system)) as conductor,
            events(conductor, **anna) as of_anna,
            events(conductor, **HIDDEN) as of_operator,
        ):
            made = []
            for token in (berta, anna):
                result = await conductor.simulate_post("/jobs/api/jobs", json={"name": "Report"}, headers=token)
                made.append(result.json["id"])
            assert (await of_anna.next("job")).data["job"]["id"] == made[1]
            assert {(await of_operator.next("job")).data["job"]["id"] for _ in made} == set(made)
            refused = await conductor.simulate_get("/api/events", params={"job": made[0]}, headers=anna)
            assert refused.status_code == 404

    asyncio.run(scene())


def test_what_cannot_be_listened_to_is_refused(sqlite: str) -> None:
    client = Client(served(given_system()))
    for query, field in [("topics=news", "topics.0"), ("topics=", "topics.0"), ("job=x", "job"), ("jobs=x", "jobs")]:
        result = client.simulate_get("/api/events", query_string=query)
        assert (result.status_code, [one["field"] for one in result.json["errors"]]) == (400, [field])
    assert client.simulate_get("/api/events", query_string=f"job={NO_JOB}").status_code == 404
    head = client.simulate_head("/api/events")
    assert (head.status_code, head.headers["Content-Type"]) == (200, "text/event-stream")


def test_strangers_do_not_listen(sqlite: str) -> None:
    client = Client(served(given_system(internal_secret=SECRET)))
    assert client.simulate_get("/api/events").status_code == 401


def test_a_revoked_token_ends_its_streams(store: str) -> None:
    system = given_system(internal_secret=SECRET)
    anna = token_of(Client(served(system)), "anna")

    async def scene() -> None:
        async with conducted(served(system)) as conductor, events(conductor, **anna) as heard:
            tokens.log_out(system, anna["Authorization"].removeprefix("Token "))
            system.clock.advance(5)
            await heard.end()

    asyncio.run(scene())


def test_a_stream_left_open_does_not_keep_a_session_alive(store: str) -> None:
    system = given_system(internal_secret=SECRET)
    client = Client(served(system))
    register(client, "anna")
    login = client.simulate_post("/login/", body=f"username=anna&password={PASSWORD}", content_type=FORM)
    session = {"Cookie": f"{COOKIE}={login.cookies[COOKIE].value}"}

    async def scene() -> None:
        async with conducted(served(system)) as conductor, events(conductor, **session) as heard:
            system.clock.advance(1_700)
            await heard.next("")
            await heard.next("")
            system.clock.advance(101)
            await heard.end()

    asyncio.run(scene())


def test_what_becomes_of_anothers_app_is_told_no_more_than_of_one_that_is_not_there(sqlite: str) -> None:
    system = given_system(**SETTINGS)
    client = Client(served(system))
    anna, berta = token_of(client, "anna"), token_of(client, "berta")
    made_app(client, anna, MINE)
    made_app(client, berta, THEIRS)

    async def scene() -> None:
        async with (
            conducted(served(system)) as conductor,
            events(conductor, "app=" + THEIRS, **anna) as of_anothers,
            events(conductor, "app=none", **anna) as of_none,
            events(conductor, **anna) as of_all_of_hers,
            events(conductor, **HIDDEN) as of_everything,
        ):
            assert (await conductor.simulate_post(f"/api/apps/{THEIRS}/pause", headers=berta)).status_code == 200
            await of_everything.next("reset")
            for heard in (of_anothers, of_none, of_all_of_hers):
                assert {(await heard.next("reset", "")).name for _ in range(COMMENTS)} == {""}
            assert (await conductor.simulate_post(f"/api/apps/{MINE}/pause", headers=anna)).status_code == 200
            await of_all_of_hers.next("reset")
            for heard in (of_anothers, of_none):
                assert {(await heard.next("reset", "")).name for _ in range(COMMENTS)} == {""}

    asyncio.run(scene())


def test_a_key_of_an_account_is_told_nothing_of_a_run_from_before_its_job_came_to_that_account(store: str) -> None:
    system = given_system(**SETTINGS)
    client = Client(served(system))
    anna = token_of(client, "anna")
    job = made_job(client, anna, made_app(client, anna, MINE))
    assert client.simulate_post(f"/api/jobs/{job}/trigger", headers=anna).status_code == 201
    record(system, claim_one(system), refused())
    former = next(run.id for run in runs_of(UUID(job)) if run.finished_at is not None)
    assert client.simulate_patch(f"/api/jobs/{job}", headers=anna, json={"account_id": "acc2"}).status_code == 200
    key = made_key(client, anna, MINE, "read", account_id="acc2")

    async def scene() -> None:
        async with (
            conducted(served(system)) as conductor,
            events(conductor, "topics=runs", **key) as of_key,
            events(conductor, "topics=runs", **anna) as of_anna,
        ):
            failures.dismiss(LOCAL, system, former)
            assert (await of_anna.next("run")).data["run"]["id"] == str(former)
            made = await conductor.simulate_post(f"/api/jobs/{job}/trigger", headers=anna)
            assert (await of_key.next("run")).data["run"]["id"] == made.json["id"]

    asyncio.run(scene())
