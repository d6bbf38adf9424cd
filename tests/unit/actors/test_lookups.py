"""Look-ups of names: shared by the calls that ask while one is under way, and by no call after its answer."""

from __future__ import annotations

import socket
from concurrent.futures import Future
from threading import Event
from typing import Any

import pytest

from actors.calls.lookups import Addresses, Lookups
from tests.waiting import LONGEST

NAME = ("receiver.test", 80)


def test_calls_that_ask_while_a_look_up_is_under_way_share_it(monkeypatch: pytest.MonkeyPatch) -> None:
    answers = Event()
    monkeypatch.setattr(socket, "getaddrinfo", lambda *_args, **_kwargs: answers.wait(LONGEST) and [])
    lookups = Lookups()
    first = lookups.ask(*NAME)
    assert lookups.ask(*NAME) is first
    answers.set()
    assert first.result(LONGEST) == []


@pytest.mark.parametrize("fails", [False, True], ids=["answered", "failed"])
def test_who_asks_after_the_answer_gets_a_new_look_up(monkeypatch: pytest.MonkeyPatch, *, fails: bool) -> None:
    asked: list[Any] = []
    answers = Event()

    def resolve(host: str, *_args: Any, **_kwargs: Any) -> list[Any]:
        asked.append(host)
        answers.wait(LONGEST)
        if fails:
            raise socket.gaierror(socket.EAI_NONAME, "no such name")
        return []

    monkeypatch.setattr(socket, "getaddrinfo", resolve)
    lookups = Lookups()
    asked_again: Future[Future[Addresses]] = Future()
    first = lookups.ask(*NAME)
    first.add_done_callback(lambda _: asked_again.set_result(lookups.ask(*NAME)))
    answers.set()
    second = asked_again.result(LONGEST)
    second.exception(LONGEST)
    assert second is not first
    assert asked == [NAME[0]] * 2
