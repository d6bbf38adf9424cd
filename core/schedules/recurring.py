"""The base of the kinds that recur at instants known ahead."""

from __future__ import annotations

import hashlib
from abc import abstractmethod
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any, ClassVar
from uuid import UUID

from core.schedules import periods
from core.schedules.kind import JUST_BEFORE, Nature, PreviewedOccurrence, Schedule
from core.schedules.members import DAY_SECONDS, MAX_RUNS, Instant, Number, Zone, member


def _fault_of_end(ends_at: datetime, before: Mapping[str, Any]) -> str | None:
    starts_at = before.get("starts_at")
    return "must be later than starts_at." if starts_at is not None and ends_at <= starts_at else None


@dataclass(frozen=True, kw_only=True)
class Recurring(Schedule):
    """Recurs from `starts_at` on and before `ends_at`, both nominal, at most `max_runs` times.

    `jitter_seconds` bounds the delay of each occurrence, which is always the same for that occurrence.
    """

    nature: ClassVar[Nature] = Nature.RECURRING

    timezone: str = field(default="UTC", metadata=member(Zone(), "an IANA time zone"))
    starts_at: datetime | None = field(default=None, metadata=member(Instant(), "from then on"))
    ends_at: datetime | None = field(default=None, metadata=member(Instant(), "until then", check=_fault_of_end))
    max_runs: int | None = field(
        default=None, metadata=member(Number(at_least=1, at_most=MAX_RUNS, whole=True), "at most this many runs")
    )
    jitter_seconds: float | None = field(
        default=None,
        metadata=member(Number(at_least=0, at_most=DAY_SECONDS), "each up to this many seconds later, to spread them"),
    )

    def upcoming(self, after: datetime) -> Iterator[datetime]:
        instant = self.next_after(after)
        while instant is not None:
            yield instant
            instant = self.next_after(instant)

    def next_after(self, after: datetime) -> datetime | None:
        """Returns the first occurrence strictly later than `after`, or None when the schedule has ended."""
        if self.starts_at is not None and after < self.starts_at:
            after = self.starts_at - JUST_BEFORE
        instant = self._next_by_rule(after)
        if instant is None or (self.ends_at is not None and instant >= self.ends_at):
            return None
        return instant

    def count_at_once(self, first: datetime, before: datetime) -> int | None:  # noqa: ARG002  for kinds that can
        """Returns the number of occurrences from `first` on and before an instant; None if they must be enumerated."""
        return None

    def due_at(self, job_id: UUID, occurrence: datetime) -> datetime:
        """Returns when an occurrence is due: its nominal instant plus the job's own share of the jitter.

        The share is a hash of job and occurrence, so that every planner computes the same.
        """
        if not self.jitter_seconds:
            return occurrence
        digest = hashlib.blake2b(f"{job_id}/{occurrence.isoformat()}".encode(), digest_size=8).digest()
        return occurrence + timedelta(seconds=self.jitter_seconds * int.from_bytes(digest) / 2**64)

    def latest_due_at(self, occurrence: datetime) -> datetime:
        return occurrence + timedelta(seconds=self.jitter_seconds or 0)

    def previewed(self, at: datetime, most: int) -> list[PreviewedOccurrence]:
        return super().previewed(at, min(most, self.max_runs or most))

    def describe(self) -> str:
        if not self.jitter_seconds:
            return self._rule_in_words()
        return f"{self._rule_in_words()}, each up to {periods.in_words(self.jitter_seconds)} later"

    @abstractmethod
    def _rule_in_words(self) -> str:
        """Returns the rule itself as a sentence without a full stop, without the options."""

    @abstractmethod
    def _next_by_rule(self, after: datetime) -> datetime | None:
        """The next instant of the rule itself, without the options."""
