"""Lists of jobs and runs, a page at a time."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from uuid import UUID

from core.errors import InvalidInput, NotFound
from core.filters import JobFilter, RunFilter
from core.listing import MAX_BYTES_IN_PAGE, Mark, Ordering, SortKey, SortValue, Stretch
from core.principals import Principal
from core.states import RunStatus
from models import database, lists
from services.reading import visibility
from services.reading.counting import Counts
from services.reading.failures import failed_runs
from services.reading.views import ExecutionView, JobView, Page, RunView, execution_view, job_views_that_fit, run_view
from services.system import System


def jobs(principal: Principal, counts: Counts, wanted: JobFilter, ordering: Ordering, stretch: Stretch) -> Page:
    """Returns matching jobs that the principal may see; fewer than the limit if they are large.

    Raises `NotFound` for a numbered page beyond the last, and `InvalidInput` for one that is too large: a page that
    ended early would leave out jobs.
    """
    wanted = visibility.visible(principal, wanted)
    with database.reading():
        found = lists.job_page(wanted, ordering, stretch)
        views, beyond = job_views_that_fit(found.ids[: stretch.limit])
        _refuse_page_beyond(stretch, found.ids)
        _refuse_page_too_large(stretch, len(views), is_cut=bool(beyond))
        count = _count(found.ids, stretch) if found.count is None else found.count
        if count is None:
            count = counts.of(wanted, lambda: lists.job_count(wanted), is_first_page=stretch.is_first)
    views = [visibility.as_seen(principal, one) for one in views]
    more = bool(views) and (bool(beyond) or len(found.ids) > stretch.limit)
    return Page(views, count, Mark(views[-1].id, _sort_value(views[-1], ordering.key)) if more else None)


def runs(principal: Principal, counts: Counts, wanted: RunFilter, stretch: Stretch) -> Page:
    """Returns matching runs of any job that the principal may see, newest first.

    Why they failed and what they called is not compared; `found_runs` does that.
    """
    return _run_page(counts, visibility.visible(principal, wanted), stretch)


def found_runs(principal: Principal, system: System, counts: Counts, wanted: RunFilter, stretch: Stretch) -> Page:
    """Returns runs as `runs` does; if the filter names why they failed or what they called, the newest failures."""
    listed = failed_runs.listed(principal, system, wanted)
    return replace(runs(principal, counts, listed.wanted, stretch), is_cut=listed.is_cut)


def runs_of_job(
    principal: Principal, counts: Counts, job_id: UUID, stretch: Stretch, *, but: RunStatus | None = None
) -> Page:
    """Returns a job's runs, newest first, optionally without those of one status. Raises `NotFound`."""
    visibility.expect(principal, job_id)
    seen = None if principal.account_id is None else principal.visible_jobs()
    return _run_page(counts, RunFilter(job_id=job_id, but=but, visible=seen), stretch)


def runs_by_ids(principal: Principal, run_ids: Sequence[UUID]) -> list[RunView]:
    """Returns those of these runs that the principal may see, in the order of the ids."""
    wanted = visibility.visible(principal, RunFilter(ids=tuple(run_ids)))
    with database.reading():
        found = {one.id: run_view(one) for one in lists.run_page(wanted, Stretch(limit=max(1, len(run_ids))))}
    return [found[one] for one in run_ids if one in found]


def executions(principal: Principal, job_id: UUID, stretch: Stretch) -> tuple[list[ExecutionView], bool]:
    """Returns a job's runs that have started, newest first, and whether more follow.

    Raises `NotFound` for the job, or a page beyond the last.
    """
    visibility.expect(principal, job_id)
    found = lists.executions(job_id, stretch, principal.account_id)
    _refuse_page_beyond(stretch, found)
    return [execution_view(one) for one in found[: stretch.limit]], len(found) > stretch.limit


def _run_page(counts: Counts, wanted: RunFilter, stretch: Stretch) -> Page:
    found = lists.run_page(wanted, stretch)
    count = _count(found, stretch)
    if count is None:
        count = counts.of(wanted, lambda: _count_of_runs(wanted), is_first_page=stretch.is_first)
    views = [run_view(one) for one in found[: stretch.limit]]
    return Page(views, count, Mark(views[-1].id) if len(found) > stretch.limit else None)


def _count_of_runs(wanted: RunFilter) -> int:
    with database.reading():
        return lists.run_count(wanted)


def _count(found: Sequence[object], stretch: Stretch) -> int | None:
    """Returns how many items a list has, if its first page has all of them."""
    return len(found) if stretch.is_first and len(found) <= stretch.limit else None


def _refuse_page_beyond(stretch: Stretch, found: Sequence[object]) -> None:
    if not found and stretch.offset:
        raise NotFound("page", stretch.page)


def _refuse_page_too_large(stretch: Stretch, count: int, *, is_cut: bool) -> None:
    if is_cut and stretch.page is not None:
        raise InvalidInput.at(
            "limit",
            f"is {stretch.limit}, but this page has room for {count} of these jobs, which are large "
            f"({MAX_BYTES_IN_PAGE // 1024**2} MiB a page); ask for fewer at a time.",
        )


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
