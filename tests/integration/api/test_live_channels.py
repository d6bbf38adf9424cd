"""The live channels of 000, 001 and 004: their frames, and how they end."""

from __future__ import annotations

import asyncio

import falcon
import pytest

from api.live import hub, listeners
from core.principals import LOCAL
from core.scopes import Role
from services.access import tokens
from services.jobs import creating, editing, lifecycle
from tests.factories import GivenSystem, claim_one, failed, first_run, given_system, new_job, record, succeeded
from tests.integration.access.tenants import MINE, SETTINGS, joined, made_app, made_job
from tests.integration.api.channels import OWN_JOBS, STATUSES, opened
from tests.integration.api.client import Broker, Client, served
from tests.integration.api.listening import LOCALHOST, conducted
from tests.integration.api.people import SECRET, token_of

REPORT = {"name": "Report", "estimated_duration": 5}


@pytest.fixture(autouse=True)
def prompt(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(hub, "LOOK_SECONDS", 0.01)


def test_000_tells_the_status_of_a_job_with_each_event_of_its_log(system: GivenSystem) -> None:
    run = first_run(system)

    async def scene() -> None:
        async with conducted(served(system)) as conductor, opened(conductor, f"/ws/jobs/{run.job_id}/") as channel:
            work = claim_one(system)
            started = await channel.next()
            assert (started["event"], started["status"]) == ("job_update", "running")
            assert started["log"]["event_type"] == "execution_started"
            assert started["log"].keys() == {"event_type", "metadata", "created_at"}
            record(system, work, failed())
            tried = await channel.next()
            assert (tried["status"], tried["log"]["event_type"]) == ("running", "execution_failed")
            assert tried["log"]["metadata"] == {"status_code": 503, "message": "The receiver is down."}
            lifecycle.pause(LOCAL, system, run.job_id)
            assert await channel.next() == {"event": "job_update", "status": "paused", "log": None}
            editing.delete(LOCAL, system, run.job_id)
            assert await channel.next(status="deleted") == {"event": "job_update", "status": "deleted", "log": None}

    asyncio.run(scene())


def test_000_tells_all_events_that_happen_between_two_looks_in_their_order(
    system: GivenSystem,
) -> None:
    run = first_run(system)

    async def scene() -> None:
        async with conducted(served(system)) as conductor, opened(conductor, f"/ws/jobs/{run.job_id}") as channel:
            with system.transaction():  # no look comes in between
                work = claim_one(system)
                system.clock.advance(1)
                record(system, work, succeeded())
            told = [await channel.next() for _ in range(2)]
            assert [one["log"]["event_type"] for one in told] == ["execution_started", "execution_completed"]
            assert {one["status"] for one in told} == {"completed"}

    asyncio.run(scene())


def test_001_tells_status_and_result_of_each_job_in_its_own_words(system: GivenSystem) -> None:
    async def scene() -> None:
        async with conducted(served(system)) as conductor, opened(conductor, STATUSES) as channel:
            job_id = creating.create(LOCAL, system, new_job())
            shown = {"id": str(job_id), "result": None}
            assert await channel.next() == {**shown, "status": "queued"}
            work = claim_one(system)
            assert await channel.next() == {**shown, "status": "running"}
            record(system, work, succeeded())
            assert await channel.next() == {**shown, "status": "completed"}
            editing.delete(LOCAL, system, job_id)
            assert await channel.next() == {**shown, "status": "deleted"}

    asyncio.run(scene())


def test_001_has_its_own_word_for_a_queued_job_of_its_app(sqlite: str) -> None:
    system = given_system()

    async def scene() -> None:
        async with conducted(served(system)) as conductor, opened(conductor, STATUSES) as channel:
            email = {"recipient": "a@example.com", "subject": "Hello", "body": "there"}
            given = {"job_type": "send_email", "parameters": email, "schedule_type": "immediate"}
            made = await conductor.simulate_post("/api/jobs/", json=given, host=LOCALHOST)
            assert made.status_code == 201, made.text
            assert (await channel.next())["status"] == made.json["status"] == "pending"

    asyncio.run(scene())


def test_001_asks_to_read_anew_after_a_burst(sqlite: str) -> None:
    system = given_system()

    async def scene() -> None:
        async with conducted(served(system)) as conductor, opened(conductor, STATUSES) as channel:
            with system.transaction():
                for _ in range(21):
                    first_run(system)
            assert await channel.next() == {"id": None, "status": "reset", "result": None}

    asyncio.run(scene())


def test_004_tells_statistics_first_and_then_each_of_its_jobs_that_changes(system: GivenSystem) -> None:
    async def scene() -> None:
        async with conducted(served(system)) as conductor, opened(conductor, OWN_JOBS) as channel:
            first = await channel.next()
            stats = await conductor.simulate_get("/jobs/api/jobs/stats", host=LOCALHOST)
            assert first == {"type": "stats", "data": stats.json}
            first_run(system)  # a job of another section is counted, and not shown
            made = await conductor.simulate_post("/jobs/api/jobs", json=REPORT, host=LOCALHOST)
            assert await channel.next() == {"type": "job_update", "data": made.json}
            system.clock.advance(2)
            assert (await channel.next())["data"]["total_jobs"] == 2

    asyncio.run(scene())


def test_004_answers_what_its_client_asks(system: GivenSystem) -> None:
    async def scene() -> None:
        async with conducted(served(system)) as conductor, opened(conductor, OWN_JOBS) as channel:
            made = await conductor.simulate_post("/jobs/api/jobs", json=REPORT, host=LOCALHOST)
            first_run(system)
            await channel.ask(command="get_jobs")
            assert (await channel.next(type="jobs"))["data"] == [made.json]
            await channel.ask(command="get_jobs", status="pending")
            assert (await channel.next(type="jobs"))["data"] == [made.json]
            await channel.ask(command="get_jobs", status="failed")
            assert (await channel.next(type="jobs"))["data"] == []
            await channel.ask(command="get_stats")
            assert (await channel.next(type="stats"))["data"]["total_jobs"] == 2
            for nonsense in ("gibberish", '{"command": "drop"}', '{"command": "get_jobs", "status": "lost"}', "[]"):
                await channel.say(nonsense)
                assert "get_stats" in (await channel.next(type="error"))["data"]["detail"]

    asyncio.run(scene())


def test_004_tells_each_of_their_own_jobs(store: str) -> None:
    system = given_system(internal_secret=SECRET)
    client = Client(served(system))
    anna, berta = token_of(client, "anna"), token_of(client, "berta")

    async def scene() -> None:
        async with conducted(served(system)) as conductor, opened(conductor, OWN_JOBS, **anna) as channel:
            await conductor.simulate_post("/jobs/api/jobs", json={"name": "Other"}, headers=berta)
            made = await conductor.simulate_post("/jobs/api/jobs", json=REPORT, headers=anna)
            assert (await channel.next(type="job_update"))["data"] == made.json
            await channel.ask(command="get_jobs")
            assert (await channel.next(type="jobs"))["data"] == [made.json]

    asyncio.run(scene())


@pytest.mark.parametrize("path", [STATUSES, OWN_JOBS, "/ws/jobs/00000000-0000-7000-8000-000000000000/"])
def test_strangers_are_refused_at_the_handshake(sqlite: str, path: str) -> None:
    system = given_system(internal_secret=SECRET)

    async def scene() -> None:
        async with conducted(served(system)) as conductor:
            with pytest.raises(falcon.WebSocketDisconnected):
                async with opened(conductor, path):
                    pass

    asyncio.run(scene())


def test_the_channel_of_a_job_that_is_not_there_is_refused_at_the_handshake(sqlite: str) -> None:
    system = given_system()

    async def scene() -> None:
        async with conducted(served(system)) as conductor:
            with pytest.raises(falcon.WebSocketDisconnected) as refused:
                async with opened(conductor, "/ws/jobs/00000000-0000-7000-8000-000000000000/"):
                    pass
            assert refused.value.code == 3404

    asyncio.run(scene())


def test_channels_close_with_1001_when_the_server_stops(sqlite: str) -> None:
    broker = Broker()

    async def scene() -> None:
        async with conducted(served(given_system(), broker)) as conductor, opened(conductor, OWN_JOBS) as channel:
            broker.shutting_down.set()
            assert await channel.close_code() == 1001

    asyncio.run(scene())


def test_a_revoked_token_closes_its_channels(store: str) -> None:
    system = given_system(internal_secret=SECRET)
    anna = token_of(Client(served(system)), "anna")

    async def scene() -> None:
        async with conducted(served(system)) as conductor, opened(conductor, STATUSES, **anna) as channel:
            tokens.log_out(system, anna["Authorization"].removeprefix("Token "))
            system.clock.advance(5)
            assert await channel.close_code() == 1008

    asyncio.run(scene())


def test_who_reads_too_slowly_is_closed_with_1013(sqlite: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(listeners, "MAX_FRAMES", 3)
    system = given_system()

    async def scene() -> None:
        async with conducted(served(system)) as conductor, opened(conductor, STATUSES) as channel:
            with system.transaction():
                for _ in range(4):
                    first_run(system)
            assert await channel.close_code() == 1013

    asyncio.run(scene())


def test_who_was_taken_out_of_an_app_is_told_nothing_of_its_job_when_the_app_changes(sqlite: str) -> None:
    system = given_system(**SETTINGS)
    client = Client(served(system))
    anna = token_of(client, "anna")
    app = made_app(client, anna, MINE)
    clara = joined(client, anna, app, "clara", Role.VIEWER)
    path = f"/ws/jobs/{made_job(client, anna, app)}/"

    async def scene() -> None:
        async with (
            conducted(served(system)) as conductor,
            opened(conductor, path, **anna) as of_anna,
            opened(conductor, path, **clara) as of_clara,
        ):
            out = await conductor.simulate_delete(f"/api/apps/{app}/members/clara", headers=anna, host=LOCALHOST)
            assert out.status_code == 204
            system.clock.advance(5)
            async with opened(conductor, path, **anna):
                pass  # since then, everyone's access has been asked for again
            await conductor.simulate_post(f"/api/apps/{app}/pause", headers=anna, host=LOCALHOST)
            assert (await of_anna.next())["status"]
            assert await of_clara.close_code() == 1013, "closed without a frame; who asks again gets a 404"

    asyncio.run(scene())
