"""The jobs that dispatch passes over, since other sessions have locked them, although runs of theirs are due."""

from __future__ import annotations

from collections.abc import Collection
from uuid import UUID

from services.runtime.clock import Clock
from services.runtime.troubles import Trouble, Troubles

LOCKED_SECONDS = 30.0  # PostgreSQL ends a session of Carillon's that does nothing in a transaction after 20 s
_LEFT_OUT_SECONDS = 1.0
_TROUBLE = Trouble(
    "dispatch",
    f"Due runs wait, since another session has kept their jobs locked for {LOCKED_SECONDS:g} s.",
    "Find the session in pg_stat_activity, and end it with pg_terminate_backend.",
)


class LockedJobs:
    """Remembers jobs that were passed over; notes a trouble where a job is locked for long.

    They are tried again at the next look. Only while a look finds more runs than it can take, they are left out of the
    next ones, for a second at most: else their runs could keep out all others.
    """

    def __init__(self, clock: Clock) -> None:
        self.left_out: set[UUID] = set()
        self._clock = clock
        self._try_again_at = 0.0
        self._since: dict[UUID, float] = {}
        self._troubles = Troubles()

    def pass_over(self, job_ids: Collection[UUID]) -> None:
        """Note that others have locked these jobs."""
        now = self._clock.monotonic()
        if job_ids and not self.left_out:
            self._try_again_at = now + _LEFT_OUT_SECONDS
        self.left_out.update(job_ids)
        for job_id in job_ids:
            self._since.setdefault(job_id, now)

    def end_look(self, *, is_full: bool) -> None:
        """Note that a look is over, and whether it found as many runs as it can take."""
        now = self._clock.monotonic()
        if is_full and now < self._try_again_at:
            return
        self._since = {job_id: since for job_id, since in self._since.items() if job_id in self.left_out}
        self.left_out.clear()
        if any(now - since > LOCKED_SECONDS for since in self._since.values()):
            self._troubles.begin("dispatch", _TROUBLE)
        else:
            self._troubles.end("dispatch")

    def troubles(self) -> list[Trouble]:
        """Returns the trouble that a job is locked for long, while it is."""
        return self._troubles.present()
