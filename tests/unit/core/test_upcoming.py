"""What comes next over many schedules: in order, no more than wanted, and no more looked at than needed."""

from __future__ import annotations

import random
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime, timedelta

import pytest

from core.upcoming import Ahead, soonest
from tests.factories import NOON

LATER = NOON + timedelta(days=365)
PLENTY = 100_000


@dataclass(frozen=True)
class One:
    scheduled_for: datetime
    due_at: datetime


def one(nominal: float, delay: float = 0) -> One:
    return One(NOON + timedelta(seconds=nominal), NOON + timedelta(seconds=nominal + delay))


def _every(seconds: int, looked_at: list[One] | None = None) -> Iterator[One]:
    nominal = 0
    while True:
        found = one(nominal)
        if looked_at is not None:
            looked_at.append(found)
        yield found
        nominal += seconds


def test_what_is_planned_and_what_is_named_is_merged_in_the_order_of_its_due_instants() -> None:
    ahead = soonest([one(7), one(1)], [_every(5), _every(3)], LATER, 6, PLENTY)
    assert ahead.found == [one(0), one(0), one(1), one(3), one(5), one(6)]
    assert ahead.until == one(6).due_at, "more may be due after the last"


def test_nothing_beyond_the_horizon_is_named() -> None:
    until = NOON + timedelta(seconds=10)
    assert soonest([one(11)], [_every(5)], until, 100, PLENTY) == Ahead([one(0), one(5), one(10)], until)
    assert soonest([], [iter([one(9, delay=2)])], until, 100, PLENTY) == Ahead([], until)


def test_no_more_is_looked_at_than_is_wanted() -> None:
    looked_at: list[One] = []
    soonest([], [_every(1, looked_at), _every(1)], LATER, 10, PLENTY)
    assert len(looked_at) <= 7


@pytest.mark.parametrize("seed", range(20))
def test_jitter_is_sorted_out(seed: int) -> None:
    chance = random.Random(seed)
    lists = [[one(n * 10, chance.uniform(0, 60)) for n in range(40)] for _ in range(5)]
    everything = sorted((item for items in lists for item in items), key=lambda item: item.due_at)
    assert soonest(everything[:3], map(iter, []), LATER, 50, PLENTY).found == everything[:3]
    assert soonest([], [iter(items) for items in lists], LATER, 50, PLENTY).found == everything[:50]


def test_when_there_is_too_much_to_look_at_the_list_is_short_but_true() -> None:
    jittered = [one(n, 100 - n) for n in range(90)] + [one(200)]
    assert soonest([one(3)], [iter(jittered)], LATER, 50, 20) == Ahead([one(3)], one(20).scheduled_for)
    assert soonest([one(3)], [iter(jittered)], LATER, 50, PLENTY).found[1].due_at == NOON + timedelta(seconds=100)
