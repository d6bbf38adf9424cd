"""Who may listen to server-sent events, to what, and how long."""

from __future__ import annotations

import asyncio
import json
from typing import Any
from uuid import UUID

import falcon
import pytest

from api.posted_forms import FORM
from api.sites import COOKIE
from core.principals import LOCAL
from services.access import tokens
from services.jobs import run_actions
from tests.factories import claim, claim_one, given_system, record, refused, runs_of, succeeded
from tests.integration.access.tenants import MINE, SETTINGS, THEIRS, Headers, made_app, made_job, made_key
from tests.integration.api.channels import OWN_JOBS, STATUSES, opened
from tests.integration.api.client import NO_JOB, PRINTED, Client, served
from tests.integration.api.listening import Event, Events, conducted, events
from tests.integration.api.people import HIDDEN, PASSWORD, SECRET, register, token_of

COMMENTS = 5  # that come after what would have been told
TOPICS = "topics=jobs,runs,stats"

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


def test_a_revoked_key_ends_its_streams(store: str) -> None:
    system = given_system(**SETTINGS)
    client = Client(served(system))
    anna = token_of(client, "anna")
    made_app(client, anna, MINE)
    key, other = (made_key(client, anna, MINE, "read", name=name) for name in ("revoked", "kept"))
    [revoked] = [
        one["id"]
        for one in client.simulate_get(f"/api/apps/{MINE}/keys", headers=anna).json["results"]
        if one["name"] == "revoked"
    ]

    async def scene() -> None:
        async with (
            conducted(served(system)) as conductor,
            events(conductor, **key) as heard,
            opened(conductor, STATUSES, **key) as channel,
            events(conductor, **other) as of_other,
        ):
            gone = await conductor.simulate_delete(f"/api/apps/{MINE}/keys/{revoked}", headers=anna)
            assert gone.status_code == 204
            system.clock.advance(5)
            await heard.end()
            assert await channel.close_code() == 1008
            made = await conductor.simulate_post("/api/jobs", json={**PRINTED, "app_name": MINE}, headers=anna)
            assert (await of_other.next("job")).data["job"]["id"] == made.json["id"]

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
            run_actions.dismiss(LOCAL, system, former)
            assert (await of_anna.next("run")).data["run"]["id"] == str(former)
            made = await conductor.simulate_post(f"/api/jobs/{job}/trigger", headers=anna)
            assert (await of_key.next("run")).data["run"]["id"] == made.json["id"]

    asyncio.run(scene())


def test_no_topic_and_no_channel_tells_of_another_tenants_jobs(sqlite: str) -> None:
    system = given_system(**SETTINGS)
    client = Client(served(system))
    anna, berta = token_of(client, "anna"), token_of(client, "berta")
    made_app(client, anna, MINE)
    made_app(client, berta, THEIRS)
    key = made_key(client, anna, MINE, "read")
    there = made_job(client, berta, THEIRS)
    theirs: set[str] = {there}

    async def scene() -> None:
        async with (
            conducted(served(system)) as conductor,
            events(conductor, TOPICS, **HIDDEN) as of_operator,
            events(conductor, TOPICS, **anna) as of_anna,
            events(conductor, TOPICS, **key) as of_key,
            events(conductor, f"app={THEIRS}&{TOPICS}", **anna) as of_their_app,
            opened(conductor, STATUSES, **anna) as in_001,
            opened(conductor, OWN_JOBS, **anna) as in_004,
        ):
            totals = [(await stream.next("stats")).data["stats"]["total"] for stream in (of_anna, of_key, of_their_app)]
            totals.append((await in_004.next())["data"]["total_jobs"])
            assert totals == [0, 0, 0, 0]
            theirs.update(await in_their_app_and_in_a_shared_one(conductor, THEIRS, berta))
            for work in claim(system):
                record(system, work, succeeded())
                theirs.add(str(work.run_id))
            await of_operator.until(lambda event: event.name == "run" and event.data["run"]["status"] == "completed")
            system.clock.advance(2)  # statistics may be told again
            mine = await in_their_app_and_in_a_shared_one(conductor, MINE, anna)
            heard = [*(await until_told_of(of_anna, *mine)), *(await until_told_of(of_key, mine[0]))]
            heard += [await of_their_app.until(lambda _: True) for _ in range(COMMENTS)]
            told = [event.data for event in heard if event.data is not None]
            totals = [data["stats"]["total"] for data in told if "stats" in data]
            told += [await in_001.next() for _ in mine]
            while (frame := await in_004.next())["type"] != "job_update":
                totals.append(frame["data"]["total_jobs"])
            assert set(totals) <= {0, 1, 2}, "no more than what is hers"
            assert [one for one in theirs if one in json.dumps([*told, frame])] == []
            with pytest.raises(falcon.WebSocketDisconnected) as refused:
                async with opened(conductor, f"/ws/jobs/{there}/", **anna):
                    pass
            assert refused.value.code == 3404
            assert (await conductor.simulate_get(f"/api/events?job={there}", headers=anna)).status_code == 404

    asyncio.run(scene())


async def in_their_app_and_in_a_shared_one(conductor: Any, app: str, who: Headers) -> list[str]:
    """The ids of two new jobs of somebody, of which the first is due."""
    due = {**PRINTED, "app_name": app, "schedule": {"type": "immediate"}}
    wanted = (("/api/jobs/create", due), ("/jobs/api/jobs", {"name": "Report"}))
    made = [await conductor.simulate_post(path, json=job, headers=who) for path, job in wanted]
    assert [one.status_code for one in made] == [201, 201]
    return [one.json["id"] for one in made]


async def until_told_of(stream: Events, *jobs: str) -> list[Event]:
    """What is told until each of these jobs was."""
    heard: list[Event] = []
    while not set(jobs) <= {event.data["job"]["id"] for event in heard if event.name == "job"}:
        heard.append(await stream.until(lambda _: True))
    return heard
