"""How many runs ended within a span, how, and how long they took: by app, by task type or by job."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from enum import StrEnum
from functools import partial
from uuid import UUID

from core.figures import percentile
from core.filters import JobFilter
from core.principals import Principal
from models import ended_runs as stored
from models.ended_runs import Ended, EndedOfJob
from services.reading.statistics import ended_runs
from services.reading.statistics.ended_runs import EndedRuns
from services.reading.visibility import visible
from services.runtime.timed_cache import TimedCache
from services.system import System

MAX_GROUPS = 100
_MAX_KEPT = 100
_MIDDLE, _MOST = 0.5, 0.95
_MILLISECONDS = 1_000


class By(StrEnum):
    """What runs are counted by."""

    APP = "app"
    TASK_TYPE = "task_type"
    JOB = "job"


@dataclass(frozen=True)
class FiguresView:
    """The runs of an app, of a task type of an app, or of a job that ended; what they are not counted by is None.

    Of those that completed, half took no longer than `p50_seconds`, and 95 of 100 no longer than `p95_seconds`.
    """

    app_name: str
    task_type: str | None
    job_id: UUID | None
    job_name: str | None
    job_title: str | None
    ended: int
    completed: int
    failed: int
    p50_seconds: float | None
    p95_seconds: float | None


@dataclass(frozen=True)
class Figures:
    """The apps, task types or jobs of which most runs ended, of `count`.

    `counted_since` is later than asked for if `runs_are_cut`; not all that ended at that instant are counted then.
    """

    results: Sequence[FiguresView]
    count: int
    counted_since: datetime
    runs_are_cut: bool


@dataclass(frozen=True)
class WantedFigures:
    """What runs are counted by, over how many minutes, and how many groups at most are wanted.

    Of `jobs`, the app, the account and the task type count, and nothing else.
    """

    by: By = By.APP
    jobs: JobFilter = field(default_factory=JobFilter)
    minutes: int = 60
    limit: int = 50


class RunFigures:
    """Counts runs that ended; where many must be read for it, the result may be five seconds old.

    By app and by task type, they are read once for everybody; by job, for each filter and what its caller may see.
    """

    def __init__(self, system: System) -> None:
        self._clock = system.clock
        self._ended = EndedRuns(system)
        self._of_jobs = TimedCache[_OfJobs](system.clock, ended_runs.KEPT_SECONDS, _MAX_KEPT)

    def of(self, principal: Principal, wanted: WantedFigures) -> Figures:
        """Returns the matching groups of jobs that the principal may see, those of which most runs ended first."""
        fitting = ended_runs.as_spelled(visible(principal, wanted.jobs))
        if wanted.by is By.JOB:
            return self._by_job(replace(wanted, jobs=fitting))
        found = self._ended.within(fitting, wanted.minutes)
        groups = _summed(found.ended, by_type=wanted.by is By.TASK_TYPE)
        views = [_of_group(one) for one in sorted(groups, key=_rank)[: wanted.limit]]
        return Figures(views, len(groups), found.counted_since, found.is_cut)

    def _by_job(self, wanted: WantedFigures) -> Figures:
        read = partial(self._read, wanted.jobs, timedelta(minutes=wanted.minutes))
        found = self._of_jobs.of((wanted.jobs, wanted.minutes), read, lambda one: one.are_among_many)
        views = [_of_job(one) for one in found.first[: wanted.limit]]
        return Figures(views, found.count, found.cut_at or found.since, found.cut_at is not None)

    def _read(self, wanted: JobFilter, span: timedelta) -> _OfJobs:
        since = self._clock.now() - span
        with stored.reading():
            cut_at = stored.cut_at(since, ended_runs.MAX_ENDED)
            are_many = stored.cut_at(since, ended_runs.MANY - 1) is not None
            found = stored.ended_of_jobs(wanted, since, ended_runs.MAX_ENDED, MAX_GROUPS)
        return _OfJobs(found.jobs, found.matching, since, cut_at, are_many)


@dataclass(frozen=True)
class _OfJobs:
    """The jobs of which most runs ended; `are_among_many` runs that had to be looked through for it."""

    first: Sequence[EndedOfJob]
    count: int
    since: datetime
    cut_at: datetime | None
    are_among_many: bool


@dataclass
class _Group:
    """The runs of an app, or of one of its task types, summed up while they are gone through."""

    app_name: str
    task_type: str | None
    runs: int = 0
    completed: int = 0
    failed: int = 0
    took: list[str] = field(default_factory=list)


def _summed(ended: Iterable[Ended], *, by_type: bool) -> list[_Group]:
    found: dict[tuple[str, str | None], _Group] = {}
    for one in ended:
        key = (one.app_name, one.task_type if by_type else None)
        group = found.setdefault(key, _Group(*key))
        group.runs += one.runs
        group.completed += one.completed
        group.failed += one.failed
        if one.took is not None:
            group.took.append(one.took)
    return list(found.values())


def _rank(one: _Group) -> tuple[int, int, str, str]:
    return (-one.runs, -one.failed, one.app_name, one.task_type or "")


def _of_group(one: _Group) -> FiguresView:
    counts = (one.runs, one.completed, one.failed)
    return FiguresView(one.app_name, one.task_type, None, None, None, *counts, *_percentiles(one.took))


def _of_job(one: EndedOfJob) -> FiguresView:
    whose = (one.app_name, one.task_type, one.job_id, one.job_name, one.job_title)
    counts = (one.runs, one.completed, one.failed)
    return FiguresView(*whose, *counts, *_percentiles([] if one.took is None else [one.took]))


def _percentiles(took: Iterable[str]) -> tuple[float | None, float | None]:
    """The seconds that half of the runs took at most, and 95 of 100, of lists of milliseconds."""
    seconds = sorted(int(one) / _MILLISECONDS for some in took for one in some.split(","))
    return percentile(seconds, _MIDDLE), percentile(seconds, _MOST)
