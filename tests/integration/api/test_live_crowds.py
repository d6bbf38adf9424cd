"""Many listeners at once: what they have in common is done once, and requests have their turn meanwhile."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Collection, Iterable
from contextlib import AsyncExitStack
from typing import Any
from uuid import UUID

import falcon.testing
import pytest
from falcon.asgi import Request

from api.live import hub, rounds, shares
from api.live.frames import Frame
from api.live.listeners import Interest, Listener
from api.resources.events import EventsOf
from core.principals import LOCAL, Principal, PrincipalKind
from models import change_rows
from services.changes.looking import Watch
from services.scheduling import pauses
from tests.factories import GivenSystem, first_run
from tests.integration.api.client import served
from tests.integration.api.listening import Event, Events, conducted, events, listening

CROWD = 3
OF_THE_APP = Interest(app_name="app_a")

pytestmark = pytest.mark.usefixtures("prompt_streams")


async def crowd(stack: AsyncExitStack, system: GivenSystem) -> list[Events]:
    """Some listeners to everything, who come at once."""
    conductor = await stack.enter_async_context(conducted(served(system)))
    streams = [stack.enter_async_context(events(conductor)) for _ in range(CROWD)]
    return list(await asyncio.gather(*streams))


def counted(monkeypatch: pytest.MonkeyPatch, module: object, name: str) -> list[Any]:
    """What a function is called with first, each time."""
    calls: list[Any] = []
    function: Callable[..., Any] = getattr(module, name)

    def call(*args: Any) -> Any:
        calls.append(args[0])
        return function(*args)

    monkeypatch.setattr(module, name, call)
    return calls


async def names_of_jobs(heard: Collection[Events]) -> set[str]:
    return {(await one.next("job")).data["job"]["id"] for one in heard}


def listener(resumes_at: str | None = None, interest: Interest = OF_THE_APP, principal: Principal = LOCAL) -> Listener:
    """One who listens to jobs."""
    req = Request(falcon.testing.create_scope(), falcon.testing.ASGIRequestEventEmitter())
    req.context.principal = principal
    return Listener(req, EventsOf(("jobs",), None), interest, resumes_at)


def told(listening: Collection[Listener], joining: Collection[Listener], watch: Watch) -> list[str]:
    """What each of them is told in a look."""
    with watch.look() as look:
        outcomes = rounds.carry_out(look, 0.0, listening, joining)
    return [frame.text for outcome in outcomes.values() if not isinstance(outcome, Exception) for frame in outcome]


def test_what_was_missed_is_read_once_for_all_who_come_back_with_one_cursor(
    system: GivenSystem, monkeypatch: pytest.MonkeyPatch
) -> None:
    with Watch().look() as look:
        cursor = look.now
    missed = first_run(system).job_id
    read_since = counted(monkeypatch, change_rows, "since")
    texts = told([], [listener(str(cursor)) for _ in range(CROWD)], Watch())
    assert [str(missed) in text for text in texts] == [True] * CROWD
    assert read_since.count(cursor.snapshot) == 1


def test_whether_a_job_is_seen_is_asked_once_for_those_who_see_the_same(
    system: GivenSystem, monkeypatch: pytest.MonkeyPatch
) -> None:
    crowd, watch = [listener() for _ in range(CROWD)], Watch()
    told([], crowd, watch)
    job_id = first_run(system).job_id
    asked = counted(monkeypatch, shares, "sees")
    texts = told(crowd, [], watch)
    assert [str(job_id) in text for text in texts] == [True] * CROWD
    assert len(asked) == 1


def test_who_may_not_see_a_job_any_more_is_told_nothing_when_its_app_is_paused(system: GivenSystem) -> None:
    job_id = first_run(system).job_id
    stranger = Principal(PrincipalKind.USER, UUID(int=1), "anna")
    of_job, watch = [listener(interest=Interest(job_id), principal=one) for one in (stranger, LOCAL)], Watch()
    told([], of_job, watch)
    pauses.pause_app(LOCAL, system, "app_a")
    assert len(told(of_job, [], watch)) == 1


def test_of_many_who_come_at_once_some_are_let_in_by_the_next_look(
    system: GivenSystem, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(hub, "MOST_JOINING", 1)
    together: list[int] = []
    carry_out = rounds.carry_out

    def noted(look: Any, now: float, listening: Collection[Listener], joining: Collection[Listener]) -> Any:
        together.append(len(joining))
        return carry_out(look, now, listening, joining)

    monkeypatch.setattr(rounds, "carry_out", noted)

    async def scene() -> None:
        async with AsyncExitStack() as stack:
            heard = await crowd(stack, system)
            job_id = str(first_run(system).job_id)
            assert await names_of_jobs(heard) == {job_id}
        assert (max(together), sum(together)) == (1, CROWD)

    asyncio.run(scene())


def test_requests_have_their_turn_while_many_are_told(system: GivenSystem, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(hub, "AT_ONCE", 1)
    turns, told_in = 0, []
    offer = Listener.offer

    def noted(self: Listener, frames: Iterable[Frame], cursor: str) -> None:
        if frames:
            told_in.append(turns)
        offer(self, frames, cursor)

    monkeypatch.setattr(Listener, "offer", noted)

    async def request() -> None:
        nonlocal turns
        while True:
            await asyncio.sleep(0)
            turns += 1

    async def scene() -> None:
        async with AsyncExitStack() as stack:
            heard = await crowd(stack, system)
            requests = asyncio.create_task(request())
            first_run(system)
            await names_of_jobs(heard)
            requests.cancel()
        assert len(told_in) == len(set(told_in)) == CROWD

    asyncio.run(scene())


def test_what_one_look_tells_is_written_together_and_the_last_event_has_the_cursor(system: GivenSystem) -> None:
    async def scene() -> None:
        async with listening(system) as heard:
            with system.transaction():
                made = {str(first_run(system).job_id) for _ in range(CROWD)}
            told: list[Event] = [await heard.next("job") for _ in range(CROWD)]
            assert {event.data["job"]["id"] for event in told} == made
            assert [event.cursor is not None for event in told] == [False, False, True]

    asyncio.run(scene())


def test_a_look_rests_twice_as_long_as_it_took_but_not_for_ever(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(hub, "LOOK_SECONDS", 0.2)
    assert hub.rest_after(0.05) == 0.2
    assert hub.rest_after(0.3) == 0.6
    assert hub.rest_after(60.0) == hub.LONGEST_REST_SECONDS
