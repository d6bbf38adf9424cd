"""`polling`: called again and again until the answer says done."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import ClassVar

from core.schedules import periods
from core.schedules.kind import Nature, OneInstant, Option
from core.schedules.members import MAX_RUNS, TEN_YEARS_SECONDS, Number, member

_SHORTEST_SECONDS = 0.01


@dataclass(frozen=True)
class Polling(OneInstant):
    """Called at once, then again `interval_seconds` after each call's end, until the answer says done.

    A job that is not done after `max_polls` polls, or `give_up_after_seconds` after acceptance, fails. A poll that
    fails is retried until then, the last time at that very instant; only polls that were answered count as `max_polls`.
    """

    kind: ClassVar[str] = "polling"
    nature: ClassVar[Nature] = Nature.POLLING
    option: ClassVar[Option] = Option(
        "--poll", "Call it this often, until the answer says done.", ("interval_seconds",)
    )

    interval_seconds: float = field(metadata=member(Number(at_least=_SHORTEST_SECONDS, at_most=TEN_YEARS_SECONDS)))
    max_polls: int | None = field(
        default=None, metadata=member(Number(at_least=1, at_most=MAX_RUNS, whole=True), "at most this many polls")
    )
    give_up_after_seconds: float | None = field(
        default=None,
        metadata=member(Number(more_than=0, at_most=TEN_YEARS_SECONDS), "fail this many seconds after acceptance"),
    )

    def first_after(self, accepted_at: datetime) -> datetime:
        return accepted_at

    def next_after_poll(self, ended_at: datetime, next_in_seconds: float | None = None) -> datetime:
        """Returns when the next poll is due, counted from the end of the last; the answer may set the wait.

        It sets none that is shorter than an interval may be.
        """
        wait = self.interval_seconds if next_in_seconds is None else max(next_in_seconds, _SHORTEST_SECONDS)
        return ended_at + timedelta(seconds=wait)

    def reason_to_stop(self, polls: int, accepted_at: datetime, next_at: datetime) -> str | None:
        """Returns why polling stops after the `polls`-th poll, though it was not done; None if it goes on."""
        if self.max_polls is not None and polls >= self.max_polls:
            return f"not done after max_polls={self.max_polls} polls"
        gives_up_at = self.gives_up_at(accepted_at)
        return None if gives_up_at is None or next_at < gives_up_at else self.reason_to_give_up

    def gives_up_at(self, accepted_at: datetime) -> datetime | None:
        """Returns the instant by which a job must be done; None if it never gives up."""
        after = self.give_up_after_seconds
        return None if after is None else accepted_at + timedelta(seconds=after)

    @property
    def reason_to_give_up(self) -> str:
        """Returns why polling stops if it is not done in time."""
        return f"not done within give_up_after_seconds={self.give_up_after_seconds:g}"

    def describe(self) -> str:
        return f"At once, then every {periods.in_words(self.interval_seconds)} until the answer says done"

    def brief(self) -> str:
        return f"polls every {periods.in_words(self.interval_seconds)}"
