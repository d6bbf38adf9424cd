"""Many listeners at once: what they have in common is done once, and requests have their turn meanwhile."""

from __future__ import annotations

import asyncio
import json
import threading
from collections.abc import Callable, Collection, Iterable
from contextlib import AsyncExitStack
from dataclasses import replace
from typing import Any
from uuid import UUID

import pytest

from api.live import hub, listeners, rounds, shares
from api.live.frames import Frame
from api.live.listeners import End, Interest, Listener
from api.resources.events import EventsOf
from api.sources.callbacks.channel import Updates as CallbackUpdates
from core.errors import Unavailable
from core.principals import LOCAL, Membership, Principal, PrincipalKind
from core.scopes import Role
from models import change_rows, shown_jobs
from models.fields import new_id
from services.changes.looking import Watch
from services.reading.statistics import job_statistics
from services.scheduling import pauses
from tests.factories import GivenSystem, first_run
from tests.integration.api.client import served
from tests.integration.api.listeners import listener
from tests.integration.api.listening import Event, Events, conducted, events, listening
from tests.waiting import LONGEST

CROWD = 3

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


def told(listening: Collection[Listener], joining: Collection[Listener], watch: Watch) -> list[str]:
    """What each of them is told in a look."""
    with watch.look() as look:
        outcomes = rounds.carry_out(look, 0.0, listening, joining)
    return [frame.text for outcome in outcomes.values() if not isinstance(outcome, Exception) for frame in outcome]


def test_what_was_missed_is_read_once_for_all_who_come_back_whatever_their_cursors(
    system: GivenSystem, monkeypatch: pytest.MonkeyPatch
) -> None:
    cursors = []
    for _ in range(CROWD):
        with Watch().look() as look:
            cursors.append(look.now)
        missed = first_run(system).job_id
    read = counted(monkeypatch, change_rows, "newest")
    texts = told([], [listener(str(cursor)) for cursor in cursors for _ in range(2)], Watch())
    assert sum(str(missed) in text for text in texts) == 2 * CROWD
    assert len(read) == 1


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


def test_the_statistics_of_an_app_are_read_once_for_all_spellings_of_its_name(
    system: GivenSystem, monkeypatch: pytest.MonkeyPatch
) -> None:
    first_run(system), first_run(system, app_name="app_b")
    read = counted(monkeypatch, job_statistics, "of_jobs")
    names = ("app_a", "APP_A", "App_a", "app_b", "nobody", "Nobody's", None)
    texts = told([], [listener(telling=EventsOf(("stats",), name)) for name in names], Watch())
    assert [json.loads(text)["stats"]["total"] for text in texts] == [1, 1, 1, 1, 0, 0, 2]
    assert len(read) == 4


def test_who_is_told_of_more_than_can_be_read_together_reads_anew_and_no_other_does(
    system: GivenSystem, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(shown_jobs, "MAX_BYTES_IN_PAGE", 50_000)
    watch = Watch()
    crowd = {
        "large": listener(interest=Interest(app_name="large")),
        "small": listener(interest=Interest(app_name="small")),
    }
    told([], crowd.values(), watch)
    large = [first_run(system, app_name="large", data={"text": "x" * 30_000}).job_id for _ in range(2)]
    small = first_run(system, app_name="small").job_id
    of_one = listener(interest=Interest(large[0]), telling=CallbackUpdates(large[0]))
    told([], [of_one], Watch())
    with watch.look() as look:
        outcomes = rounds.carry_out(look, 0.0, [*crowd.values(), of_one], [])
    names = {name: [frame.event for frame in outcomes[one]] for name, one in crowd.items()}  # type: ignore[union-attr]
    assert names == {"large": ["reset"], "small": ["job"]}
    [frame] = outcomes[crowd["small"]]  # type: ignore[misc]
    assert str(small) in frame.text
    [update] = outcomes[of_one]  # type: ignore[misc]
    assert json.loads(update.text)["status"] != "deleted"


def test_who_reads_so_slowly_that_much_waits_is_sent_away(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(listeners, "MAX_CHARACTERS", 100)
    slow, quick = listener(), listener()

    async def scene() -> list[object]:
        for number in range(2):
            for one in (slow, quick):
                one.offer([Frame("x" * 80, number)], "cursor")
            assert await quick.next(LONGEST) != ()
        return [await slow.next(LONGEST), quick._characters]

    assert asyncio.run(scene()) == [End.TRY_AGAIN, 0]


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
    monkeypatch.setattr(hub, "MAX_JOINING", 1)
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


def test_a_process_has_room_for_so_many_listeners_and_for_fewer_of_one_caller(
    system: GivenSystem, monkeypatch: pytest.MonkeyPatch
) -> None:
    anna, berta = (Principal(PrincipalKind.USER, user_id=new_id()) for _ in range(2))
    nothing: Any = None
    made = hub.Hub(system, nothing, nothing, threading.Event())
    made._listening.update(listener(principal=anna) for _ in range(2))
    monkeypatch.setattr(hub, "MAX_OF_A_CALLER", 2)
    with pytest.raises(Unavailable, match="close some"):
        asyncio.run(made.join(listener(principal=anna)))
    made._refuse_too_many(listener(principal=berta))
    monkeypatch.setattr(hub, "MAX_LISTENERS", 3)
    monkeypatch.setattr(hub, "RESERVED", 1)
    with pytest.raises(Unavailable, match="try again in a moment"):
        asyncio.run(made.join(listener(principal=berta)))
    for kept in (replace(berta, is_admin=True), Principal(PrincipalKind.OPERATOR)):
        made._refuse_too_many(listener(principal=kept))


@pytest.mark.parametrize("shared", ["app", "maker"])
def test_the_keys_of_an_app_and_those_of_a_user_share_the_room_of_one(
    system: GivenSystem, monkeypatch: pytest.MonkeyPatch, shared: str
) -> None:
    app, maker = new_id(), new_id()
    nothing: Any = None

    def key() -> Principal:
        member = Membership(app if shared == "app" else new_id(), "an app", Role.OWNER)
        made_by = maker if shared == "maker" else None
        return Principal(PrincipalKind.KEY, key_id=new_id(), maker_id=made_by, memberships=(member,))

    made = hub.Hub(system, nothing, nothing, threading.Event())
    made._listening.update(listener(principal=key()) for _ in range(2))
    monkeypatch.setattr(hub, "MAX_OF_A_CALLER", 2)
    with pytest.raises(Unavailable, match="close some"):
        made._refuse_too_many(listener(principal=key()))
    made._refuse_too_many(listener(principal=Principal(PrincipalKind.USER, user_id=new_id())))
