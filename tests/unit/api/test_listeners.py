"""Listeners' queues and allowances."""

from __future__ import annotations

import asyncio
from collections.abc import Coroutine
from typing import Any, TypeVar
from uuid import UUID

import falcon.testing
import pytest
from falcon.asgi import Request

from api.live import listeners
from api.live.allowances import MAX_A_SECOND, Allowance
from api.live.frames import Frame, Pace, Telling, Told
from api.live.listeners import End, Listener
from core.principals import LOCAL

AT_ONCE = 0.0
ONE, ALL_OF_A_SECOND = Told([UUID(int=1)]), Told([UUID(int=number) for number in range(MAX_A_SECOND)])
Returned = TypeVar("Returned")


@pytest.fixture
def listener() -> Listener:
    req = Request(falcon.testing.create_scope(), falcon.testing.ASGIRequestEventEmitter())
    req.context.principal = LOCAL
    return Listener(req, Telling())


def run(scene: Coroutine[Any, Any, Returned]) -> Returned:
    return asyncio.run(scene)


def taken(listener: Listener) -> list[str]:
    """The texts of all frames that wait."""
    texts = []
    while frames := waiting(listener):
        texts += frames
    return texts


def waiting(listener: Listener) -> list[str]:
    """The texts of the frames that it is given together."""
    frames = run(listener.next(AT_ONCE))
    return [] if isinstance(frames, End) else [frame.text for frame in frames]


def test_a_newer_state_takes_the_place_of_an_older_and_events_are_all_told(listener: Listener) -> None:
    listener.offer([Frame("old", "job"), Frame("first"), Frame("other", "run")], "1")
    listener.offer([Frame("new", "job"), Frame("second")], "2")
    assert taken(listener) == ["first", "other", "new", "second"]


def test_it_is_up_to_date_with_its_cursor_when_all_was_taken(listener: Listener) -> None:
    long = "a" * listeners.AT_ONCE
    listener.offer([Frame("short"), Frame(long), Frame("b")], "7")
    assert waiting(listener) == ["short", long]
    assert not listener.is_up_to_date
    assert waiting(listener) == ["b"]
    assert (listener.is_up_to_date, listener.cursor) == (True, "7")


def test_nothing_is_given_if_nothing_comes_in_time(listener: Listener) -> None:
    assert run(listener.next(AT_ONCE)) == ()


def test_whose_queue_is_full_is_told_nothing_more(listener: Listener) -> None:
    listener.offer([Frame(str(number)) for number in range(listeners.MAX_FRAMES)], "1")
    listener.offer([Frame("one too many")], "2")
    assert not listener.is_up_to_date, "what was dropped was not told"
    assert run(listener.next(AT_ONCE)) is End.TRY_AGAIN


def test_what_waits_is_told_before_the_server_stops(listener: Listener) -> None:
    listener.offer([Frame("last")], "1")
    listener.end(End.STOPPING)
    assert taken(listener) == ["last"]
    assert run(listener.next(AT_ONCE)) is End.STOPPING


def test_nothing_is_told_to_who_is_not_allowed_any_more(listener: Listener) -> None:
    listener.offer([Frame("secret")], "1")
    listener.end(End.NOT_ALLOWED)
    listener.end(End.STOPPING)
    assert run(listener.next(AT_ONCE)) is End.NOT_ALLOWED


def test_so_many_are_granted_in_a_second_then_all_is_to_be_read_anew_once() -> None:
    allowance = Allowance()
    assert allowance.granted(ALL_OF_A_SECOND, 10.0) is ALL_OF_A_SECOND
    assert allowance.granted(ONE, 10.5) is None
    assert not allowance.granted(ONE, 10.9)
    assert allowance.granted(Told(), 11.0) is None  # for what came after it was said
    assert allowance.granted(ONE, 12.0) is ONE


def test_if_nothing_came_after_it_was_said_it_is_not_said_again() -> None:
    allowance = Allowance()
    assert allowance.granted(None, 10.0) is None
    assert not allowance.granted(Told(), 10.5)
    assert allowance.granted(ONE, 11.0) is ONE


def test_what_was_granted_in_a_look_that_failed_is_granted_again() -> None:
    allowance = Allowance()
    assert allowance.granted(None, 10.0) is None
    assert not allowance.granted(ONE, 10.5)
    allowance.look_begins()
    assert allowance.granted(Told(), 11.0) is None
    allowance.look_failed()
    assert allowance.granted(Told(), 11.5) is None


def test_statistics_are_due_after_a_change_but_not_within_two_seconds() -> None:
    pace = Pace()
    assert not pace.is_due(10.0)
    pace.is_wanted = True
    assert pace.is_due(10.0)
    pace.is_wanted = True
    assert not pace.is_due(11.9)
    assert pace.is_due(12.0)
    assert not pace.is_due(20.0)
