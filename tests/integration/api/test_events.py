"""Server-sent events: whoever listens is told what is changed, once, and as it is by then."""

from __future__ import annotations

import asyncio

import pytest

from api.live import shares
from core.principals import LOCAL
from services.jobs import creating, editing, lifecycle
from services.scheduling import pauses
from tests.factories import GivenSystem, claim_one, failed, first_run, given_system, new_job, record, succeeded
from tests.integration.api.client import Broker, served
from tests.integration.api.listening import LOCALHOST, Event, conducted, events, listening
from tests.waiting import LONGEST

BURST = 25


pytestmark = pytest.mark.usefixtures("prompt_streams")


def statuses(told: list[Event]) -> list[str]:
    return [event.data["run"]["status"] for event in told]


def test_a_job_is_told_as_the_api_shows_it(store: str) -> None:
    system = given_system()

    async def scene() -> None:
        async with conducted(served(system)) as conductor, events(conductor) as heard:
            job_id = creating.create(LOCAL, system, new_job(name="nightly"))
            event = await heard.next("job")
            shown = await conductor.simulate_get(f"/api/jobs/{job_id}", host=LOCALHOST)
            assert {**event.data["job"], "usual": None} == shown.json
            assert event.data["as_of"] > 0

    asyncio.run(scene())


def test_runs_are_told_through_their_lives(system: GivenSystem) -> None:
    async def scene() -> None:
        async with listening(system, "topics=runs") as heard:
            run = first_run(system)
            told = [await heard.next("run")]
            work = claim_one(system)
            told.append(await heard.next("run"))
            record(system, work, succeeded())
            told.append(await heard.next("run"))
            assert statuses(told) == ["queued", "running", "completed"]
            assert {event.data["run"]["id"] for event in told} == {str(run.id)}
            as_of = [event.data["as_of"] for event in told]
            assert as_of == sorted(set(as_of))

    asyncio.run(scene())


def test_several_changes_between_two_looks_are_one_event_with_the_newest_state(
    system: GivenSystem,
) -> None:
    async def scene() -> None:
        async with listening(system, "topics=runs") as heard:
            with system.transaction():  # no look comes in between
                first_run(system)
                record(system, claim_one(system), failed(retry_after_seconds=60))
            assert statuses([await heard.next("run")]) == ["retrying"]

    asyncio.run(scene())


def test_who_listens_to_one_job_or_app_is_told_of_no_other(system: GivenSystem) -> None:
    wanted = first_run(system).job_id

    async def scene() -> None:
        app = served(system)
        async with (
            conducted(app) as conductor,
            events(conductor, f"job={wanted}") as of_job,
            events(conductor, "app=APP_A") as of_app,
        ):
            first_run(system, app_name="app_b")
            other = first_run(system).job_id
            lifecycle.pause(LOCAL, system, wanted)
            told = await of_job.next("job")
            assert (told.data["job"]["id"], told.data["job"]["status"]) == (str(wanted), "paused")
            assert {(await of_app.next("job")).data["job"]["id"] for _ in range(2)} == {str(other), str(wanted)}

    asyncio.run(scene())


def test_a_deleted_job_is_told_as_deleted(system: GivenSystem) -> None:
    job_id = first_run(system).job_id

    async def scene() -> None:
        async with listening(system, f"job={job_id}") as heard:
            editing.delete(LOCAL, system, job_id)
            assert (await heard.next("job")).data["job"] == {"id": str(job_id), "status": "deleted"}

    asyncio.run(scene())


def test_statistics_come_first_and_after_a_change_but_not_more_often_than_every_two_seconds(
    system: GivenSystem,
) -> None:
    async def scene() -> None:
        async with listening(system, "topics=stats") as heard:
            assert (await heard.next("stats")).data["stats"]["total"] == 0
            first_run(system)
            first_run(system)
            event = await heard.until(lambda event: event.cursor is not None)
            assert event.name == ""
            system.clock.advance(2)
            assert (await heard.next("stats")).data["stats"]["total"] == 2

    asyncio.run(scene())


def test_who_comes_back_with_a_cursor_is_told_what_was_missed(system: GivenSystem) -> None:
    kept, missed = first_run(system).job_id, []

    async def scene() -> None:
        async with listening(system) as heard:
            lifecycle.pause(LOCAL, system, kept)
            cursor = (await heard.until(lambda event: event.name == "job" and event.cursor)).cursor
        missed.append(first_run(system).job_id)
        assert cursor is not None
        async with listening(system, **{"Last-Event-ID": cursor}) as heard:
            assert (await heard.next("job")).data["job"]["id"] == str(missed[0])

    asyncio.run(scene())


def test_who_comes_back_and_is_cut_off_before_hearing_what_was_missed_hears_it_the_next_time(
    system: GivenSystem,
) -> None:
    async def scene() -> None:
        async with listening(system) as heard:
            cursor = (await heard.until(lambda event: event.cursor)).cursor or ""
        missed = first_run(system).job_id
        async with listening(system, **{"Last-Event-ID": cursor}) as heard:
            greeting = await heard.until(lambda _: True)
        cursor = greeting.cursor or cursor
        async with listening(system, **{"Last-Event-ID": cursor}) as heard:
            first_run(system)
            assert (await heard.next("job")).data["job"]["id"] == str(missed)

    asyncio.run(scene())


def test_who_missed_more_than_could_wait_to_be_told_reads_anew(
    system: GivenSystem, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(shares, "MAX_FRAMES", 3)

    async def scene() -> None:
        query = "app=app_a&topics=jobs,runs"
        async with listening(system, query) as heard:
            cursor = (await heard.until(lambda event: event.cursor)).cursor or ""
        first_run(system), first_run(system)
        async with listening(system, query, **{"Last-Event-ID": cursor}) as heard:
            assert (await heard.next("reset", "job", "run")).name == "reset"
            first_run(system)
            assert (await heard.next("reset", "job", "run")).name == "job"

    asyncio.run(scene())


@pytest.mark.parametrize("cursor", ["gibberish", "abc-1-1:2:"])
def test_a_cursor_that_cannot_be_resumed_at_is_answered_with_a_reset(system: GivenSystem, cursor: str) -> None:
    async def scene() -> None:
        async with listening(system, **{"Last-Event-ID": cursor}) as heard:
            first_run(system)
            assert (await heard.next("reset", "job")).name == "reset"
            assert (await heard.next("reset", "job")).name == "job"

    asyncio.run(scene())


def test_who_listens_to_everything_is_told_of_twenty_changes_a_second_then_to_read_anew(system: GivenSystem) -> None:
    job_id = first_run(system).job_id

    async def scene() -> None:
        async with conducted(served(system)) as conductor, events(conductor) as heard:
            with system.transaction():
                for _ in range(BURST):
                    first_run(system)
            assert (await heard.next("reset", "job")).name == "reset"
            lifecycle.pause(LOCAL, system, job_id)
            async with events(conductor, f"job={job_id}"):
                pass  # a look has been taken since
            system.clock.advance(1)
            assert (await heard.next("reset", "job")).name == "reset"
            system.clock.advance(1)
            lifecycle.resume(LOCAL, system, job_id)
            assert (await heard.next("reset", "job")).data["job"]["status"] == "queued"

    asyncio.run(scene())


def test_who_listens_to_an_app_reads_anew_when_it_is_paused(system: GivenSystem) -> None:
    job_id = first_run(system).job_id
    first_run(system, app_name="app_b")

    async def scene() -> None:
        async with (
            conducted(served(system)) as conductor,
            events(conductor, "app=app_a") as of_app,
            events(conductor, f"job={job_id}") as of_job,
            events(conductor, "app=app_b") as of_other,
        ):
            pauses.pause_app(LOCAL, system, "app_a")
            assert (await of_app.next("reset", "job")).name == "reset"
            assert (await of_job.next("reset", "job")).name == "reset"
            first_run(system, app_name="app_b")
            assert (await of_other.next("reset", "job")).name == "job"

    asyncio.run(scene())


def test_streams_end_when_the_server_stops_and_no_other_begins(system: GivenSystem) -> None:
    broker = Broker()

    async def scene() -> None:
        async with conducted(served(system, broker)) as conductor, events(conductor) as heard:
            broker.shutting_down.set()
            await heard.end()
            assert (await conductor.simulate_get("/api/events", host=LOCALHOST)).status_code == 503

    asyncio.run(scene())


def test_nobody_looks_while_nobody_listens(system: GivenSystem) -> None:
    async def scene() -> None:
        async with conducted(served(system)) as conductor:
            async with events(conductor) as heard:
                await heard.next("")
            async with asyncio.timeout(LONGEST):
                await until_tasks_end("live")

    asyncio.run(scene())


async def until_tasks_end(name: str) -> None:
    while tasks := [task for task in asyncio.all_tasks() if task.get_name() == name]:
        await asyncio.wait(tasks)
