"""Decide how long the history of a job is kept.

Without a rule of its own, a job's runs are kept for `KEEP_HISTORY_DAYS`. A job's `keep` overrides this: it gives a
number of days, or a number of newest runs; with both, a run is kept if either rule keeps it. While a job has not ended,
its last run and its last success are always kept; once it has ended, its runs are deleted by age, and then the job. An
occurrence that was skipped or missed never ran, so it is neither: it is deleted once it is old.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta


@dataclass(frozen=True)
class Keep:
    """A job's own rule; if neither member is given, it has none."""

    days: float | None = None
    last: int | None = None

    @property
    def is_given(self) -> bool:
        """Whether the job has a rule of its own."""
        return self.days is not None or self.last is not None


@dataclass(frozen=True)
class EndedRun:
    """The facts besides its age that decide whether a run that has ended may be deleted."""

    job_has_ended: bool
    never_ran: bool  # it was skipped or missed
    has_succeeded: bool
    has_newer: bool  # a later run of its job has ended that was not skipped or missed
    has_newer_success: bool


def is_dispensable(run: EndedRun) -> bool:
    """Whether an old run may be deleted: it is not the last run or the last success of a job that has not ended."""
    if run.job_has_ended or run.never_ran:
        return True
    return run.has_newer and (run.has_newer_success or not run.has_succeeded)


def kept_since(keep: Keep, now: datetime, usual_days: float, *, job_has_ended: bool) -> datetime | None:
    """Returns the instant before which runs are old; None if only their number counts."""
    if keep.days is None and keep.last is not None and not job_has_ended:
        return None
    return now - timedelta(days=usual_days if keep.days is None else keep.days)


def kept_newest(keep: Keep, *, job_has_ended: bool) -> int:
    """Returns how many of the newest runs are kept however old they are."""
    return 0 if job_has_ended or keep.last is None else keep.last
