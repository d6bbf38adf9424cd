"""Carry out one action on all jobs or runs that match a filter, in batches of one transaction each."""

from __future__ import annotations

from collections.abc import Callable, Collection, Sequence
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from functools import partial
from typing import Any
from uuid import UUID, uuid4

from core import instants
from core.errors import Conflict, InvalidInput, NotFound
from core.filters import JobFilter, RunFilter
from core.pauses import expect_until
from core.principals import Principal
from core.scopes import Scope
from core.states import REPLAYABLE
from models import chosen_runs, counting, database, jobs, lists, runs
from models.chosen_runs import Chosen, HostsOf
from services.jobs import editing, lifecycle, requested_runs, run_actions
from services.reading import visibility
from services.reading.failures import failing_hosts
from services.requests.idempotency import Request, once
from services.system import System

MAX_JOBS = 10_000
MAX_RUNS = 1_000
MAX_REFUSED_SHOWN = 20
FIRST_SHOWN = 10
BATCH = 100
COUNTED_EXACTLY = counting.MAX_COUNTED
"""Counts beyond this are estimates."""


class JobAction(StrEnum):
    """The bulk actions on jobs."""

    PAUSE = "pause"
    RESUME = "resume"
    CANCEL = "cancel"
    DELETE = "delete"
    RETRY = "retry"
    TRIGGER = "trigger"


class RunAction(StrEnum):
    """The bulk actions on runs."""

    REPLAY = "replay"
    CANCEL = "cancel"
    DISMISS = "dismiss"


@dataclass(frozen=True)
class Refused:
    """A job or run for which the action was refused, and why."""

    id: UUID
    detail: str


@dataclass(frozen=True)
class BulkResult:
    """How many matched, how many were changed, the first of these, and the first refused; `last` if more may match."""

    matched: int
    changed: int
    refused: Sequence[Refused]
    last: UUID | None
    first: Sequence[UUID] = ()


@dataclass(frozen=True)
class BulkOptions:
    """How an action is carried out: on which part of what matches, with what of the request, and whether only tried.

    It goes on after the id `after`, and takes at most `limit` (None: MAX_JOBS or MAX_RUNS). A dry run rolls everything
    back. `until` is the end of a pause, which no other action has. `again`: replay completed runs, too.
    """

    dry_run: bool
    after: UUID | None = None
    limit: int | None = None
    request: Request | None = None
    reason: str | None = None
    until: datetime | None = None
    again: bool = False


_Act = Callable[[Principal, System, UUID], object]


@dataclass(frozen=True)
class _Kind:
    """What an action does to one job or run, and whether it takes a reason."""

    carry_out: Callable[..., object]
    has_reason: bool = False

    def with_options(self, options: BulkOptions) -> _Act:
        """Returns what it does to one job or run as these options say."""
        one = partial(self.carry_out, reason=options.reason) if self.has_reason else self.carry_out
        return one if options.until is None else partial(one, until=options.until, is_checked=True)


@dataclass(frozen=True)
class _OfJobs(_Kind):
    """An action on jobs, and the scope that it requires."""

    scope: Scope = Scope.OPERATE


@dataclass(frozen=True, kw_only=True)
class _OfRuns(_Kind):
    """An action on runs, and how those are found, and counted, to which it applies."""

    find: Callable[[RunFilter, UUID | None, int, HostsOf], Chosen]
    count: Callable[[RunFilter], int]


_ACTIONS = {
    JobAction.PAUSE: _OfJobs(lifecycle.pause, has_reason=True),
    JobAction.RESUME: _OfJobs(lifecycle.resume, has_reason=True),
    JobAction.CANCEL: _OfJobs(lifecycle.cancel, has_reason=True),
    JobAction.DELETE: _OfJobs(editing.delete, has_reason=True, scope=Scope.JOBS),
    JobAction.RETRY: _OfJobs(requested_runs.retry),
    JobAction.TRIGGER: _OfJobs(requested_runs.trigger),
}
_RUN_ACTIONS = {
    RunAction.REPLAY: _OfRuns(
        requested_runs.replay, find=chosen_runs.not_replayed, count=chosen_runs.count_not_replayed
    ),
    RunAction.CANCEL: _OfRuns(run_actions.cancel, find=chosen_runs.live, count=chosen_runs.count_live, has_reason=True),
    RunAction.DISMISS: _OfRuns(
        run_actions.dismiss, find=chosen_runs.not_dismissed, count=chosen_runs.count_not_dismissed, has_reason=True
    ),
}
_REPLAY_AGAIN = _OfRuns(
    partial(requested_runs.replay, again=True),
    find=partial(chosen_runs.not_replayed, statuses=REPLAYABLE),
    count=partial(chosen_runs.count_not_replayed, statuses=REPLAYABLE),
)


@dataclass(frozen=True)
class _Work:
    """An action to carry out batch by batch; with an idempotency key, each batch once."""

    principal: Principal
    system: System
    kind: _Kind
    lock: Callable[[Collection[UUID]], None]
    options: BulkOptions

    def carry_out(self, find: Callable[[], Chosen], limit: int) -> BulkResult:
        """Carry out the action on what `find` returns, at most `limit`.

        The ids found are stored with the first batch, so that a repeated request continues where the first one stopped.
        """
        request = self.options.request
        begun = once(self.system, request, lambda: self._begun(find(), limit))
        found = [UUID(one) for one in begun["found"]]
        ids = found[:limit]
        refused = [_read(told) for told in begun["refused"]]
        for start in range(BATCH, len(ids), BATCH):
            part = request and request.part(f"{begun['id']} {start}")
            batch = partial(self._batch, ids[start : start + BATCH])
            refused += map(_read, once(self.system, part, batch))
        last = ids[-1] if len(found) > limit else begun.get("read_to") and UUID(begun["read_to"])
        without = {one.id for one in refused}
        first = [one for one in ids if one not in without][:FIRST_SHOWN]
        return BulkResult(len(ids), len(ids) - len(refused), refused[:MAX_REFUSED_SHOWN], last, first)

    def _begun(self, found: Chosen, limit: int) -> dict[str, Any]:
        return {
            "id": str(uuid4()),
            "found": [str(one) for one in found.ids],
            "read_to": found.read_to and str(found.read_to),
            "refused": self._batch(found.ids[: min(limit, BATCH)]),
        }

    def _batch(self, batch: Sequence[UUID]) -> list[list[str]]:
        """Carry out the action on one batch, in one transaction. Returns what was refused, as JSON."""
        with self.system.transaction(dry_run=self.options.dry_run):
            self.lock(batch)
            refused = _refused(self.principal, self.system, self.kind.with_options(self.options), batch)
        return [[str(one.id), one.detail] for one in refused]


def act(principal: Principal, system: System, action: JobAction, wanted: JobFilter, options: BulkOptions) -> BulkResult:
    """Carry out an action on every matching job, in the order of their ids, up to the limit.

    If the action is refused for a job, the job is left unchanged. Raises `InvalidInput` for a pause's impossible end.
    """
    kind, limit = _ACTIONS[action], options.limit or MAX_JOBS
    theirs = visibility.visible(principal, wanted, kind.scope)

    def find() -> Chosen:
        expect_until(options.until, system.clock.now())  # checked once: an accepted request is carried out to its end
        with database.reading():
            return Chosen(jobs.ids(theirs, options.after, limit + 1))

    return _Work(principal, system, kind, _lock_jobs, options).carry_out(find, limit)


def act_on_runs(
    principal: Principal, system: System, action: RunAction, wanted: RunFilter, options: BulkOptions
) -> BulkResult:
    """Carry out an action on every run that matches and to which it applies, up to the limit; as `act` does.

    Runs that are named by their ids are refused if the action does not apply to them. Raises
    `InvalidInput` if completed runs are replayed, too, and replays made meanwhile could match.
    """
    kind, limit = _kind_of(action, again=options.again), options.limit or MAX_RUNS
    theirs = visibility.visible(principal, wanted, Scope.OPERATE)
    fitting = kind.find if wanted.ids is None else chosen_runs.fitting

    def find() -> Chosen:
        if options.again and wanted.ids is None:
            _expect_all_ended(wanted, system.clock.now())
        with database.reading():
            return fitting(theirs, options.after, limit + 1, partial(failing_hosts.of_runs, system))

    return _Work(principal, system, kind, _lock_jobs_of_runs, options).carry_out(find, limit)


def count(principal: Principal, action: JobAction, wanted: JobFilter) -> int:
    """Returns how many jobs match on which the principal may act so; an estimate if there are very many."""
    theirs = visibility.visible(principal, wanted, _ACTIONS[action].scope)
    with database.reading():
        return lists.job_count(theirs)


def count_of_runs(principal: Principal, action: RunAction, wanted: RunFilter, *, again: bool = False) -> int | None:
    """Returns to how many runs that match the action applies; an estimate if there are very many.

    Returns None if the filter names why runs failed or what they called, which no database can count.
    """
    if chosen_runs.is_compared(wanted):
        return None
    theirs = visibility.visible(principal, wanted, Scope.OPERATE)
    with database.reading():
        return _kind_of(action, again=again).count(theirs)


def _kind_of(action: RunAction, *, again: bool) -> _OfRuns:
    return _REPLAY_AGAIN if again else _RUN_ACTIONS[action]


def _expect_all_ended(wanted: RunFilter, now: datetime) -> None:
    """Raises `InvalidInput` if runs match that end later: replays that complete would be replayed without end."""
    if wanted.finished_before is None or wanted.finished_before > now:
        raise InvalidInput.at(
            "filter.finished_before",
            f"must be given with again, and be no later than now, {instants.shown(now)}: "
            "otherwise replays that complete meanwhile would be replayed as well.",
        )


def _read(told: Sequence[str]) -> Refused:
    job_or_run_id, detail = told
    return Refused(UUID(job_or_run_id), detail)


def _lock_jobs(job_ids: Collection[UUID]) -> None:
    """Take all locks at once, in the order that every transaction uses, so that no two can deadlock."""
    jobs.lock(job_ids)
    runs.lock_live(job_ids)


def _lock_jobs_of_runs(run_ids: Collection[UUID]) -> None:
    _lock_jobs(runs.job_ids(run_ids))


def _refused(principal: Principal, system: System, action: _Act, ids: Sequence[UUID]) -> list[Refused]:
    """Carry out the action on each of these. Returns those that were refused."""
    refused = []
    for one in ids:
        try:
            action(principal, system, one)
        except (Conflict, NotFound) as error:
            refused.append(Refused(one, str(error)))
    return refused
