"""Quotas: a minute's requests at once, then as many as a minute brings back."""

from __future__ import annotations

import pytest

from core.errors import TooMany
from services.access import request_quotas
from services.access.request_quotas import Left, Quotas
from tests.factories import GivenClock


def test_a_minutes_requests_may_come_at_once_and_one_more_is_too_many() -> None:
    counted = Quotas(GivenClock(), 3)
    assert [counted.take("a").requests for _ in range(5)] == [2, 1, 0, -1, -1]


def test_what_was_taken_comes_back_steadily_and_not_beyond_a_minutes_worth() -> None:
    clock = GivenClock()
    counted = Quotas(clock, 6)
    for _ in range(6):
        counted.take("a")
    clock.advance(9)
    assert counted.take("a").requests < 0
    clock.advance(1)
    assert counted.take("a").requests == 0
    clock.advance(3600)
    assert counted.take("a") == Left(5, 10)


def test_refused_requests_do_not_put_off_the_next() -> None:
    clock = GivenClock()
    counted = Quotas(clock, 1)
    for _ in range(100):
        counted.take("a")
    clock.advance(60)
    assert counted.take("a").requests == 0


def test_one_who_is_told_to_wait_is_let_in_after_that() -> None:
    clock = GivenClock()
    counted = Quotas(clock, 7)
    while counted.take("a").requests >= 0:
        pass
    refusal = counted.refusal()
    assert isinstance(refusal, TooMany)
    assert str(refusal) == (
        "Too many requests: REQUESTS_PER_MINUTE allows each caller 7 a minute. Wait 9 s, then try again."
    )
    clock.advance(refusal.seconds)
    assert counted.take("a").requests >= 0


def test_each_caller_has_their_own() -> None:
    counted = Quotas(GivenClock(), 1)
    assert [counted.take(key).requests for key in ("a", "b", "a")] == [0, 0, -1]


def test_only_so_many_callers_are_remembered(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(request_quotas, "MAX_KEYS", 2)
    counted = Quotas(GivenClock(), 1)
    for key in ("a", "b", "a", "c"):
        counted.take(key)
    assert counted.take("a").requests == -1
    assert counted.take("b").requests == 0
