"""Lists of jobs and runs, a page at a time, each read in one transaction."""

from __future__ import annotations

from collections.abc import Sequence
from uuid import UUID

from core.errors import NotFound
from core.filters import JobFilter, RunFilter
from core.listing import Mark, Ordering, SortKey, SortValue, Stretch
from core.principals import Principal
from core.states import RunStatus
from models import database, lists
from models import jobs as stored_jobs
from models.tables import Run
from services.reading import visibility
from services.reading.counting import Counts
from services.reading.views import ExecutionView, JobView, Page, execution_view, job_views, run_view


def jobs(principal: Principal, counts: Counts, wanted: JobFilter, ordering: Ordering, stretch: Stretch) -> Page:
    """Returns jobs that fit and that the principal may see. Raises `NotFound` for a numbered page beyond the last."""
    wanted = visibility.visible(principal, wanted)
    with database.reading():
        found = lists.job_page(wanted, ordering, stretch)
        views = job_views(found.ids[: stretch.limit], tolerant=True)
        _refuse_page_beyond(stretch, found.ids)
        count = found.count
        if count is None:
            count = counts.of(wanted, lambda: lists.job_count(wanted), is_first_page=stretch.is_first)
    more = bool(views) and len(found.ids) > stretch.limit
    return Page(views, count, Mark(views[-1].id, _sort_value(views[-1], ordering.key)) if more else None)


def runs(principal: Principal, counts: Counts, wanted: RunFilter, stretch: Stretch) -> Page:
    """Returns runs that fit, of any job that the principal may see, newest first."""
    wanted = visibility.visible(principal, wanted)
    with database.reading():
        return _run_page(counts, wanted, stretch)


def runs_of_job(
    principal: Principal, counts: Counts, job_id: UUID, stretch: Stretch, *, but: RunStatus | None = None
) -> Page:
    """Returns a job's runs, newest first, without those of one status if it is named. Raises `NotFound`."""
    with database.reading():
        visibility.expected(principal, stored_jobs.by_id(job_id), job_id)
        return _run_page(counts, RunFilter(job_id=job_id, but=but), stretch)


def executions(principal: Principal, job_id: UUID, stretch: Stretch) -> tuple[list[ExecutionView], bool]:
    """Returns a job's runs that have started, newest first, and whether more follow.

    Raises `NotFound` for the job, or a page beyond the last.
    """
    with database.reading():
        visibility.expected(principal, stored_jobs.by_id(job_id), job_id)
        found = lists.executions(job_id, stretch)
    _refuse_page_beyond(stretch, found)
    return [execution_view(one) for one in found[: stretch.limit]], len(found) > stretch.limit


def _run_page(counts: Counts, wanted: RunFilter, stretch: Stretch) -> Page:
    found: list[Run] = lists.run_page(wanted, stretch)
    count = counts.of(wanted, lambda: lists.run_count(wanted), is_first_page=stretch.is_first)
    views = [run_view(one) for one in found[: stretch.limit]]
    return Page(views, count, Mark(views[-1].id) if len(found) > stretch.limit else None)


def _refuse_page_beyond(stretch: Stretch, found: Sequence[object]) -> None:
    if not found and stretch.offset:
        raise NotFound("page", stretch.page)


def _sort_value(view: JobView, key: SortKey) -> SortValue:
    """Returns the value by which `models.lists` sorts a job in this order."""
    match key:
        case SortKey.CREATED_AT:
            return None
        case SortKey.NAME:
            return view.name or view.title or ""
        case _:
            value: SortValue = getattr(view, key)
            return value
