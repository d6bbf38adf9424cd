"""Look at what was changed since the last look, and read what somebody wants of it, all on one snapshot.

A look sees each transaction that was committed before it and not before the last one, exactly once, however long the
transaction was open: docs/decisions/0024-live.md.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from functools import cached_property
from uuid import UUID

from core import built_in_apps
from core.cursors import Cursor
from core.filters import JobFilter
from core.listing import NEWEST_FIRST, Stretch
from core.principals import Principal
from models import apps, change_rows, database, lists
from models.change_rows import WhoseJob
from models.changes import EVERY_APP
from services.reading import records, statistics
from services.reading.statistics import JobStatistics, OwnFigures
from services.reading.views import JobView, JobWithLog, LogEntry, RunView, job_views, run_view
from services.reading.visibility import visible

__all__ = ["Look", "News", "Watch", "WhoseJob"]

_AT_ONCE = 100


@dataclass(frozen=True)
class News:
    """What was changed: jobs, also those of which only runs were; runs, each with its job; apps as a whole."""

    jobs: frozenset[UUID]
    runs: Mapping[UUID, UUID]
    apps: frozenset[UUID]

    def is_of_app(self, app_id: UUID) -> bool:
        """Whether so much of an app was changed that only reading it anew tells what."""
        return app_id in self.apps or EVERY_APP in self.apps


class Look:
    """What one look sees, for as long as its transaction lasts."""

    def __init__(self, now: Cursor, last: Cursor | None) -> None:
        self.now = now
        self._last = now if last is None else last

    @property
    def as_of(self) -> int:
        """Returns a number that never falls from one look to the next."""
        return self.now.snapshot.end

    def news(self) -> News | None:
        """Returns what was changed since the last look; None if that is no longer kept."""
        return self.news_since(self._last)

    def news_since(self, cursor: Cursor) -> News | None:
        """Returns what was changed since a cursor; None if that is no longer kept, or of another installation."""
        if not cursor.reaches(self.now):
            return None
        changed = change_rows.since(cursor.snapshot)
        runs = change_rows.jobs_of_runs(changed.runs)
        return News(changed.jobs | frozenset(runs.values()), runs, changed.apps)

    def whose(self, job_ids: Iterable[UUID]) -> dict[UUID, WhoseJob]:
        """Returns whose these jobs are, deleted ones included."""
        return change_rows.whose(job_ids)

    def is_of_app_named(self, news: News, name: str) -> bool:
        """Whether so much of the app of this name was changed that only reading it anew tells what."""
        app = apps.by_name(name)
        return app is None or news.is_of_app(app.id)

    @cached_property
    def shared_apps(self) -> frozenset[UUID]:
        """The ids of the apps that all users share."""
        return frozenset(app.id for app in apps.by_names(built_in_apps.NAMES).values())

    def jobs(self, job_ids: Collection[UUID]) -> dict[UUID, JobView]:
        """Returns the views of those of these jobs that are not deleted."""
        ids = list(job_ids)
        parts = (ids[start : start + _AT_ONCE] for start in range(0, len(ids), _AT_ONCE))
        return {view.id: view for part in parts for view in job_views(part, tolerant=True)}

    def newest_jobs(self, principal: Principal, wanted: JobFilter, limit: int) -> list[JobView]:
        """Returns the newest jobs that fit and that the principal may see."""
        found = lists.job_page(visible(principal, wanted), NEWEST_FIRST, Stretch(limit=limit)).ids
        return job_views(found[:limit], tolerant=True)

    def runs(self, run_ids: Iterable[UUID]) -> dict[UUID, RunView]:
        """Returns the views of those of these runs whose jobs are not deleted."""
        return {found.id: run_view(found) for found in lists.runs_by_ids(run_ids)}

    def with_log(self, view: JobView) -> JobWithLog:
        """Returns a job that this look has read, with its newest events."""
        return records.with_log(view)

    def log_of(self, job_id: UUID) -> list[LogEntry]:
        """Returns the newest events of a job."""
        return records.log_of(job_id)

    def statistics(self, principal: Principal, wanted: JobFilter) -> JobStatistics:
        """Returns the statistics of the jobs that fit and that the principal may see."""
        return statistics.of_jobs(principal, wanted)

    def figures(self, principal: Principal) -> OwnFigures:
        """Returns the figures of the jobs that the principal may see."""
        return statistics.overview(principal)


class Watch:
    """Remembers how far its owner has looked; for one thread at a time."""

    def __init__(self) -> None:
        self._last: Cursor | None = None

    @contextmanager
    def look(self) -> Iterator[Look]:
        """Look. Only if the block ends well does the next look begin where this one ended."""
        with database.reading():
            look = Look(change_rows.now(), self._last)
            yield look
        self._last = look.now

    def forget(self) -> None:
        """Begin with the next look, which then sees nothing as changed."""
        self._last = None
