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
    """At most `calls` within any span of `seconds`. A call counts while it lasts, and for that span after it ended."""

    calls: int
    seconds: int

    @classmethod
    def written(cls, text: str) -> Self | None:
        """Returns the rate that `calls/seconds` gives; None for `off`. Raises `ValueError` for anything else."""
        if text == OFF:
            return None
        found = _WRITTEN.fullmatch(text)
        if found is None:
            raise ValueError("write calls/seconds in whole numbers, for example 90/60, or none")
        return cls(int(found[1]), int(found[2]))

    @property
    def span(self) -> timedelta:
        """Returns the span as a timedelta."""
        return timedelta(seconds=self.seconds)


@dataclass(frozen=True)
class Used:
    """The number of an account's permits in use, and when the first call that still uses one ended."""

    permits: int = 0
    first_ended_at: datetime | None = None


def next_free(rate: Rate, used: Used, now: datetime) -> datetime:
    """Returns the earliest instant of a free permit; while all calls are under way, a whole span from now."""
    return (used.first_ended_at or now) + rate.span


def within(
    rate: Rate, calls: Iterable[tuple[Call, str]], used: Mapping[str, Used]
) -> tuple[list[Call], dict[str, list[Call]]]:
    """Divide calls, each with its account, in order: those that get a permit, and per account those that do not."""
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
