"""Rates: at most a number of calls within a span of seconds."""

from __future__ import annotations

import re
from dataclasses import dataclass
from datetime import timedelta
from typing import Self

_WRITTEN = re.compile(r"([1-9][0-9]{0,6})/([1-9][0-9]{0,6})")


@dataclass(frozen=True)
class Rate:
    """At most `calls` within any span of `seconds`. A call counts while it lasts, and for that span after it ended."""

    calls: int
    seconds: int

    @classmethod
    def parse(cls, text: str) -> Self:
        """Returns the rate that `calls/seconds` gives. Raises `ValueError` for anything else."""
        found = _WRITTEN.fullmatch(text)
        if found is None:
            raise ValueError("write calls/seconds in whole numbers, for example 90/60, or none")
        return cls(int(found[1]), int(found[2]))

    @property
    def span(self) -> timedelta:
        """Returns the span as a timedelta."""
        return timedelta(seconds=self.seconds)
