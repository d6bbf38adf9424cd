"""What channels tell: the frames that each form of channel makes of what was changed."""

from __future__ import annotations

from collections.abc import Callable, Collection, Hashable, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import TypeVar, cast
from uuid import UUID

from core.principals import Principal
from services.changes.looking import Look
from services.reading.views import JobView, RunView

Made = TypeVar("Made")

RESET = "reset"
DELETED = "deleted"
_STATISTICS_SECONDS = 2.0


@dataclass(frozen=True)
class Frame:
    """Something to tell. Of several that wait with one key only the newest is told; without a key, each is."""

    text: str
    key: Hashable | None = None
    event: str = ""

    @cached_property
    def as_event(self) -> bytes:
        """Returns it as a server-sent event, made once for all listeners that it is told to."""
        return f"event: {self.event}\ndata: {self.text}\n\n".encode()


@dataclass(frozen=True, eq=False)
class Told:
    """The jobs and runs that were changed and that an audience wants and may see: in a round, one object for all."""

    jobs: Collection[UUID] = ()
    runs: Collection[UUID] = ()

    def __bool__(self) -> bool:
        return bool(self.jobs or self.runs)


class Round:
    """What one look has read for all listeners; what is made of it for one of them is kept for the others."""

    def __init__(self, look: Look, now: float) -> None:
        self.look = look
        self.now = now  # monotonic
        self._jobs: dict[UUID, JobView] = {}
        self._runs: dict[UUID, RunView] = {}
        self._made: dict[Hashable, object] = {}

    def read(self, job_ids: Collection[UUID], run_ids: Collection[UUID]) -> None:
        """Read these jobs and runs together."""
        self._jobs = self.look.jobs(job_ids)
        self._runs = self.look.runs(run_ids)

    def job(self, job_id: UUID) -> JobView | None:
        """Returns a job that was read; None if it was deleted."""
        return self._jobs.get(job_id)

    def run(self, run_id: UUID) -> RunView | None:
        """Returns a run that was read; None if it is not there any more."""
        return self._runs.get(run_id)

    def once(self, key: Hashable, make: Callable[[], Made]) -> Made:
        """Returns what `make` returned for the first listener that needed it."""
        if key not in self._made:
            self._made[key] = make()
        return cast("Made", self._made[key])


class Telling:
    """The base of the forms of channels; an instance knows what one listener was told so far.

    Called in a thread, never by two at once, but for `look_begins`.
    """

    wants_jobs = True
    wants_runs = False

    def look_begins(self) -> None:
        """Have the look answer what was asked before it; called on the event loop."""

    def begin(self, _round: Round, _principal: Principal) -> Sequence[Frame]:
        """Returns what is told first."""
        return ()

    def tell(self, _round: Round, _principal: Principal, _told: Told) -> Sequence[Frame]:
        """Returns the frames for what was changed."""
        raise NotImplementedError

    def tell_due(self, _round: Round, _principal: Principal) -> Sequence[Frame]:
        """Returns frames that are due, whether or not this look has seen a change."""
        return ()

    def reset(self, _round: Round, _principal: Principal) -> Sequence[Frame]:
        """Returns what asks the listener to read anew what it shows."""
        raise NotImplementedError


class Pace:
    """When to tell statistics: after a change, but at most every two seconds."""

    def __init__(self) -> None:
        self.is_wanted = False
        self._told_at: float | None = None

    def is_due(self, now: float) -> bool:
        """Whether to tell them now, which is then noted."""
        if not self.is_wanted or (self._told_at is not None and now - self._told_at < _STATISTICS_SECONDS):
            return False
        self.is_wanted, self._told_at = False, now
        return True
