"""Rates: at most so many calls in so many seconds."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Self, TypeVar

_WRITTEN = re.compile(r"([1-9][0-9]{0,6})/([1-9][0-9]{0,6})")
OFF = "off"

Call = TypeVar("Call")


@dataclass(frozen=True)
class Rate:
    """At most `calls` within any span of `seconds`. A call counts while it lasts, and so long after it ended."""

    calls: int
    seconds: int

    @classmethod
    def written(cls, text: str) -> Self | None:
        """The rate that `calls/seconds` says; None for `off`. Raises `ValueError` for anything else."""
        if text == OFF:
            return None
        found = _WRITTEN.fullmatch(text)
        if found is None:
            raise ValueError("write calls/seconds in whole numbers, for example 90/60, or none")
        return cls(int(found[1]), int(found[2]))

    @property
    def span(self) -> timedelta:
        """The time within which calls are counted."""
        return timedelta(seconds=self.seconds)


@dataclass(frozen=True)
class Used:
    """How many of an account's permits are taken, and when the first call ended that still takes one."""

    permits: int = 0
    first_ended_at: datetime | None = None


def next_free(rate: Rate, used: Used, now: datetime) -> datetime:
    """When a permit is free again at the earliest: while all calls last, not before a whole span has passed."""
    return (used.first_ended_at or now) + rate.span


def within(
    rate: Rate, calls: Iterable[tuple[Call, str]], used: Mapping[str, Used]
) -> tuple[list[Call], dict[str, list[Call]]]:
    """Divide calls, each with its account, in their order: those that have a permit, and by account those without."""
    left = {account: rate.calls - one.permits for account, one in used.items()}
    allowed: list[Call] = []
    refused: dict[str, list[Call]] = {}
    for call, account in calls:
        if left.setdefault(account, rate.calls) > 0:
            left[account] -= 1
            allowed.append(call)
        else:
            refused.setdefault(account, []).append(call)
    return allowed, refused
