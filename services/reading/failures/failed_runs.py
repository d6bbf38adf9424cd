"""Runs that failed for good, grouped by app, task type, host and reason, so that a hundred failures read as three."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from functools import partial
from uuid import UUID

from core import failure_groups
from core.filters import JobFilter, RunFilter
from core.principals import Principal
from core.states import RunStatus
from models import attempts, chosen_runs, database, failures
from models.chosen_runs import HandledFailures, ShownFailures
from models.failures import Failure, ReplayedFailure
from services.reading.failures import failing_hosts
from services.reading.visibility import visible
from services.system import System

MAX_READ = 1_000
NONE_HANDLED = HandledFailures()
_MAX_REPLAYS = 50  # of a run, one of the other
_MAX_COMPARED = 10_000  # to find the runs of one reason
_MAX_ANSWERS = 100


@dataclass(frozen=True)
class FailureGroup:
    """Failures for the same reason, of `jobs` jobs; the run, the message and the job are those of the newest.

    `host` is what their last attempts called; None for tasks that call none, or if it is not known.

    `being_replayed` of them have a replay that is not over yet. A failure whose replay has ended is not included; if
    the replay failed for the same reason, `first_at` is that of the original.
    """

    app_name: str
    task_type: str
    host: str | None
    reason: str
    error_type: str | None
    message: str | None
    count: int
    jobs: int
    being_replayed: int
    accounts: tuple[str, ...]
    first_at: datetime
    last_at: datetime
    run_id: UUID
    job_id: UUID
    job_name: str | None
    job_title: str | None


@dataclass(frozen=True)
class Failures:
    """The groups, the latest failure first, of runs that ended since `since`; `is_cut` if more failed."""

    groups: list[FailureGroup]
    count: int
    is_cut: bool
    since: datetime


@dataclass(frozen=True)
class RunsOfGroup:
    """The newest 1,000 runs of a group; `is_cut` if it may have more."""

    ids: tuple[UUID, ...]
    is_cut: bool


@dataclass(frozen=True)
class Listed:
    """A filter that lists of runs can apply; `is_cut` if it may leave out some that match."""

    wanted: RunFilter
    is_cut: bool = False


def grouped(
    principal: Principal,
    system: System,
    hours: float,
    wanted: JobFilter | None = None,
    *,
    before: datetime | None = None,
    host: str | None = None,
) -> Failures:
    """Returns the newest 1,000 failures of the last hours, for matching jobs that the principal may see.

    Those that failed `before` an instant, if it is given; and of these, those that called a host, or with
    `failure_groups.NO_HOST` none.
    """
    since = system.clock.now() - timedelta(hours=hours)
    with database.reading():
        found = failures.newest(visible(principal, wanted or JobFilter()), since, MAX_READ + 1, before)
        read = found[:MAX_READ]
        failed_first = _first_failures(read, since)
        hosts = failing_hosts.of_runs(system, [one.run_id for one in read])
    read = [one for one in read if host in (None, hosts.get(one.run_id, failure_groups.NO_HOST))]
    together: dict[tuple[str, str, str | None, str], list[Failure]] = {}
    for one in read:
        key = (one.app_name, one.task_type, hosts.get(one.run_id), _reason(one))
        together.setdefault(key, []).append(one)
    groups = [_group(host, reason, members, failed_first) for (*_, host, reason), members in together.items()]
    return Failures(groups, len(read), len(found) > MAX_READ, since)


def answers(found: Failures) -> dict[UUID, str]:
    """Returns what receivers answered to the newest run of each of the first groups, by its id."""
    with database.reading():
        return attempts.last_answers([one.run_id for one in found.groups[:_MAX_ANSWERS]])


def runs_of_group(principal: Principal, system: System, wanted: RunFilter) -> RunsOfGroup:
    """Returns the runs that match and failed for a reason; an action on all that match acts on the same runs."""
    found = _matching(principal, system, wanted)
    return RunsOfGroup(tuple(one.id for one in found.runs), found.is_cut)


def listed(principal: Principal, system: System, wanted: RunFilter) -> Listed:
    """Returns a filter with the runs of a group in place of why they failed and what they called, if it names these.

    No database compares them. The page Runs and `GET /api/runs` both list what this returns.
    """
    if not chosen_runs.is_compared(wanted):
        return Listed(wanted)
    found = runs_of_group(principal, system, wanted)
    return Listed(replace(wanted, ids=found.ids, failure=None, host=None), found.is_cut)


def being_replayed(principal: Principal, system: System, wanted: RunFilter) -> int:
    """Returns how many of the newest 1,000 failures that match have a replay that is not over."""
    return sum(one.is_being_replayed for one in _matching(principal, system, wanted).runs)


def handled(principal: Principal, wanted: RunFilter) -> HandledFailures:
    """Returns how many of the newest 1,000 failed runs that match are not listed: replayed and run again, or dismissed.

    By so many the list of failed runs is longer than that of failures.
    """
    with database.reading():
        return chosen_runs.handled(visible(principal, replace(wanted, status=RunStatus.FAILED)), MAX_READ)


def _matching(principal: Principal, system: System, wanted: RunFilter) -> ShownFailures:
    hosts_of = partial(failing_hosts.of_runs, system)
    with database.reading():
        return chosen_runs.newest_not_dismissed(visible(principal, wanted), MAX_READ, _MAX_COMPARED, hosts_of)


def _first_failures(found: Sequence[Failure], since: datetime) -> dict[UUID, datetime]:
    """Returns when the runs that these replay, and which failed for the same reason, did so first since an instant."""
    first = {one.run_id: one.finished_at for one in found}
    reasons = {one.run_id: _reason(one) for one in found if one.retry_of is not None}
    replays = {one.run_id: one.retry_of for one in found if one.retry_of is not None}
    for _ in range(_MAX_REPLAYS):
        if not replays:
            break
        before = {one.run_id: one for one in failures.replayed(set(replays.values()), since)}
        steps = [(run_id, before[of]) for run_id, of in replays.items() if of in before]
        first |= {run_id: one.finished_at for run_id, one in steps if _reason(one) == reasons[run_id]}
        replays = {run_id: one.retry_of for run_id, one in steps if one.retry_of is not None}
    return first


def _reason(failure: Failure | ReplayedFailure) -> str:
    return failure_groups.reason(failure.error_type, failure.error_message)


def _group(
    host: str | None, reason: str, members: Sequence[Failure], failed_first: Mapping[UUID, datetime]
) -> FailureGroup:
    newest = members[0]
    return FailureGroup(
        app_name=newest.app_name,
        task_type=newest.task_type,
        host=host,
        reason=reason,
        error_type=newest.error_type,
        message=newest.error_message,
        count=len(members),
        jobs=len({one.job_id for one in members}),
        being_replayed=sum(one.is_being_replayed for one in members),
        accounts=tuple(sorted({one.account_id for one in members})),
        first_at=min(failed_first[one.run_id] for one in members),
        last_at=newest.finished_at,
        run_id=newest.run_id,
        job_id=newest.job_id,
        job_name=newest.job_name,
        job_title=newest.job_title,
    )
