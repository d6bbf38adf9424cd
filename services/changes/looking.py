"""Look at what was changed since the last look, and read what somebody wants of it, all on one snapshot.

A look sees each transaction that was committed before it and not before the last one, exactly once, however long the
transaction was open: docs/decisions/0024-live.md.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator, Sequence
from contextlib import contextmanager
from functools import cached_property
from typing import NamedTuple
from uuid import UUID

from core import built_in_apps
from core.cursors import Cursor
from core.filters import JobFilter
from core.listing import NEWEST_FIRST, Stretch
from core.principals import Principal
from models import apps, change_rows, database, lists
from models.change_rows import WhoseJob
from services.changes.news import Missed, News
from services.reading import records
from services.reading.statistics import job_statistics
from services.reading.statistics.job_statistics import JobStatistics, OwnFigures
from services.reading.views import JobView, JobWithLog, LogEntry, RunView, job_views_that_fit, run_view
from services.reading.visibility import as_seen, visible

__all__ = ["Jobs", "Look", "Missed", "News", "Watch", "WhoseJob"]

_AT_ONCE = 100


class Jobs(NamedTuple):
    """Jobs that were read in full, and jobs that are too large for that and were read without their long values.

    Together they have no more than a page has room for.
    """

    whole: dict[UUID, JobView]
    without_long: dict[UUID, JobView]


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
        if not self._last.reaches(self.now):
            return None
        changed = change_rows.since(self._last.snapshot)
        return News.of(changed, change_rows.jobs_of_runs(changed.runs))

    def missed(self, cursors: Collection[Cursor]) -> Missed:
        """Returns the changes since each of these cursors, within the bounds of `news`."""
        return Missed(self.now, cursors)

    def whose(self, job_ids: Iterable[UUID]) -> dict[UUID, WhoseJob]:
        """Returns whose these jobs are, deleted ones included."""
        return change_rows.whose(job_ids)

    def is_of_app_named(self, news: News, name: str) -> bool:
        """Whether too much of the app changed to be listed, so that it must be loaded again as a whole."""
        app = apps.by_name(name)
        return app is None or news.is_of_app(app.id)

    def app_id(self, name: str) -> UUID | None:
        """Returns the id of the app of this name, however it is spelled; None if there is none."""
        app = apps.by_name(name)
        return None if app is None else app.id

    @cached_property
    def shared_apps(self) -> frozenset[UUID]:
        """The ids of the apps that all users share."""
        return frozenset(app.id for app in apps.by_names(built_in_apps.NAMES).values())

    def jobs(self, job_ids: Collection[UUID]) -> Jobs:
        """Returns the views of those of these jobs that are not deleted; of the largest, maybe without long values."""
        ids = list(job_ids)
        parts = [ids[start : start + _AT_ONCE] for start in range(0, len(ids), _AT_ONCE)]
        found = Jobs({}, {})
        for part in parts:
            for views, some in zip(found, job_views_that_fit(part, len(parts)), strict=True):
                views.update({view.id: view for view in some})
        return found

    def newest_jobs(self, principal: Principal, wanted: JobFilter, limit: int) -> list[JobView]:
        """Returns the newest jobs that fit and that the principal may see; fewer where they are large."""
        found = lists.job_page(visible(principal, wanted), NEWEST_FIRST, Stretch(limit=limit)).ids
        return [as_seen(principal, one) for one in job_views_that_fit(found[:limit])[0]]

    def runs(self, run_ids: Iterable[UUID]) -> dict[UUID, RunView]:
        """Returns the views of those of these runs whose jobs are not deleted."""
        return {found.id: run_view(found) for found in lists.runs_by_ids(run_ids)}

    def runs_seen(self, principal: Principal, run_ids: Sequence[UUID]) -> Sequence[UUID]:
        """Returns those of these runs of visible jobs that the principal may see: a job may have moved to theirs."""
        if principal.account_id is None or not run_ids:
            return run_ids
        theirs = lists.run_ids_of_account(run_ids, principal.account_id)
        return [one for one in run_ids if one in theirs]

    def with_log(self, principal: Principal, view: JobView) -> JobWithLog:
        """Returns a job that this look has read, with the newest events that the principal may see."""
        return records.with_log(principal, view)

    def log_of(self, principal: Principal, job_id: UUID) -> list[LogEntry]:
        """Returns the newest events of a job that the principal may see."""
        return records.log_of(principal, job_id)

    def statistics(self, principal: Principal, wanted: JobFilter) -> JobStatistics:
        """Returns the statistics of the jobs that fit and that the principal may see."""
        return job_statistics.of_jobs(principal, wanted)

    def figures(self, principal: Principal) -> OwnFigures:
        """Returns the figures of the jobs that the principal may see."""
        return job_statistics.overview(principal)


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
