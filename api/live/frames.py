"""The frames that each form of channel makes of the changes."""

from __future__ import annotations

from collections.abc import Callable, Collection, Hashable, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import TypeVar, cast
from uuid import UUID

import structlog

from api.lists import UNREADABLE
from core.principals import Principal
from services.changes.looking import Jobs, Look
from services.reading.views import JobView, RunView
from services.reading.visibility import as_seen

Made = TypeVar("Made")

RESET = "reset"
DELETED = "deleted"
_STATISTICS_SECONDS = 2.0
log = structlog.get_logger()


@dataclass(frozen=True)
class Frame:
    """A frame to send. Of several waiting frames with the same key only the newest is sent; without a key, all are."""

    text: str
    key: Hashable | None = None
    event: str = ""

    @cached_property
    def as_event(self) -> bytes:
        """Returns it as a server-sent event, built once for all listeners."""
        return f"event: {self.event}\ndata: {self.text}\n\n".encode()


@dataclass(frozen=True, eq=False)
class Told:
    """The jobs and runs that were changed and that an audience wants and may see: in a round, one object for all."""

    jobs: Collection[UUID] = ()
    runs: Collection[UUID] = ()

    def __bool__(self) -> bool:
        return bool(self.jobs or self.runs)


class Round:
    """The data that one look has read for all listeners; values derived for one of them are cached for the others."""

    def __init__(self, look: Look, now: float) -> None:
        self.look = look
        self.now = now  # monotonic
        self._jobs: Jobs = Jobs({}, {})
        self._runs: dict[UUID, RunView] = {}
        self._made: dict[Hashable, object] = {}

    def read(self, job_ids: Collection[UUID], run_ids: Collection[UUID]) -> None:
        """Read these jobs and runs together."""
        self._jobs = self.look.jobs(job_ids)
        self._runs = self.look.runs(run_ids)

    def job(self, principal: Principal, job_id: UUID) -> JobView | None:
        """Returns a job that was read, as the principal may see it; None if it was deleted.

        If it was not read whole (`is_whole`), its long values are None.
        """
        view = self._jobs.whole.get(job_id) or self._jobs.without_long.get(job_id)
        return None if view is None else as_seen(principal, view)

    def is_whole(self, told: Told) -> bool:
        """Whether all of these jobs were read with their long values, unless they were deleted."""
        return self._jobs.without_long.keys().isdisjoint(told.jobs)

    def run(self, run_id: UUID) -> RunView | None:
        """Returns a run that was read; None if it no longer exists."""
        return self._runs.get(run_id)

    def once(self, key: Hashable, make: Callable[[], Made]) -> Made:
        """Returns what `make` returned for the first listener that needed it."""
        if key not in self._made:
            self._made[key] = make()
        return cast("Made", self._made[key])

    def frame_once(self, key: Hashable, row_id: UUID, make: Callable[[], Frame | None]) -> Frame | None:
        """Returns the frame of one row as `once` does; a row that cannot be shown is logged and left out, as in lists.

        All listeners share the look, so that an error would end the channels of all of them.
        """

        def make_if_readable() -> Frame | None:
            try:
                return make()
            except UNREADABLE:
                log.exception("row_unreadable", id=str(row_id))
                return None

        return self.once(key, make_if_readable)


class Telling:
    """The base of the forms of channels; an instance knows what was sent to one listener so far.

    Called in a thread, never by two at once, except `look_begins` and `look_failed`, while no thread does.
    """

    wants_jobs = True
    wants_runs = False
    tells_long_values = True

    def look_begins(self) -> None:
        """Note that a look begins, which answers the questions asked before it; called on the event loop."""

    def look_failed(self) -> None:
        """Take back what was noted as sent since the look began: nothing was. Called on the event loop."""

    def begin(self, _round: Round, _principal: Principal) -> Sequence[Frame]:
        """Returns the first frames."""
        return ()

    def tell(self, _round: Round, _principal: Principal, _told: Told) -> Sequence[Frame]:
        """Returns the frames for changes."""
        raise NotImplementedError

    def tell_due(self, _round: Round, _principal: Principal) -> Sequence[Frame]:
        """Returns frames that are due, whether or not this look has seen a change."""
        return ()

    def reset(self, _round: Round, _principal: Principal) -> Sequence[Frame]:
        """Returns the frames that ask the listener to reload what it shows."""
        raise NotImplementedError


class Pace:
    """When to send statistics: after a change, but at most every two seconds."""

    def __init__(self) -> None:
        self.is_wanted = False
        self._told_at: float | None = None

    def is_due(self, now: float) -> bool:
        """Whether to send them now; if so, that is noted."""
        if not self.is_wanted or (self._told_at is not None and now - self._told_at < _STATISTICS_SECONDS):
            return False
        self.is_wanted, self._told_at = False, now
        return True
