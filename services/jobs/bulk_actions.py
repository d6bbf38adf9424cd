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
from models import chosen_runs, database, jobs, runs
from models.chosen_runs import Chosen
from services.jobs import editing, lifecycle, requested_runs, run_actions
from services.reading import visibility
from services.requests.idempotency import Request, once
from services.system import System

MAX_JOBS = 10_000
MAX_RUNS = 1_000
REFUSED_TOLD = 20
FIRST_TOLD = 10
BATCH = 100


class Action(StrEnum):
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
class _OfJobs:
    """What an action does to one job, in which scope, and whether it takes a reason."""

    carry_out: Callable[..., object]
    has_reason: bool = False
    scope: Scope = Scope.OPERATE


@dataclass(frozen=True)
class _OfRuns:
    """What an action does to one run, whether it takes a reason, and how the runs are found to which it applies."""

    carry_out: Callable[..., object]
    find: Callable[[RunFilter, UUID | None, int], Chosen]
    has_reason: bool = False


_ACTIONS = {
    Action.PAUSE: _OfJobs(lifecycle.pause, has_reason=True),
    Action.RESUME: _OfJobs(lifecycle.resume, has_reason=True),
    Action.CANCEL: _OfJobs(lifecycle.cancel, has_reason=True),
    Action.DELETE: _OfJobs(editing.delete, has_reason=True, scope=Scope.JOBS),
    Action.RETRY: _OfJobs(requested_runs.retry),
    Action.TRIGGER: _OfJobs(requested_runs.trigger),
}
_RUN_ACTIONS = {
    RunAction.REPLAY: _OfRuns(requested_runs.replay, chosen_runs.not_replayed),
    RunAction.CANCEL: _OfRuns(run_actions.cancel, chosen_runs.live, has_reason=True),
    RunAction.DISMISS: _OfRuns(run_actions.dismiss, chosen_runs.not_dismissed, has_reason=True),
}
_REPLAY_AGAIN = _OfRuns(
    partial(requested_runs.replay, again=True), partial(chosen_runs.not_replayed, statuses=REPLAYABLE)
)
_Act = Callable[[Principal, System, UUID], object]


@dataclass(frozen=True)
class _Work:
    """An action to carry out batch by batch; with an idempotency key, each batch once."""

    principal: Principal
    system: System
    action: _Act
    lock: Callable[[Collection[UUID]], None]
    dry_run: bool
    request: Request | None

    def carry_out(self, find: Callable[[], Chosen], limit: int) -> BulkResult:
        """Carry out the action on what `find` returns, at most `limit`.

        The ids found are stored with the first batch, so that a repeated request continues where the first one stopped.
        """
        begun = once(self.system, self.request, lambda: self._begun(find(), limit))
        found = [UUID(one) for one in begun["found"]]
        ids = found[:limit]
        refused = [_read(told) for told in begun["refused"]]
        for start in range(BATCH, len(ids), BATCH):
            part = self.request and self.request.part(f"{begun['id']} {start}")
            batch = partial(self._batch, ids[start : start + BATCH])
            refused += map(_read, once(self.system, part, batch))
        last = ids[-1] if len(found) > limit else begun.get("read_to") and UUID(begun["read_to"])
        without = {one.id for one in refused}
        first = [one for one in ids if one not in without][:FIRST_TOLD]
        return BulkResult(len(ids), len(ids) - len(refused), refused[:REFUSED_TOLD], last, first)

    def _begun(self, found: Chosen, limit: int) -> dict[str, Any]:
        return {
            "id": str(uuid4()),
            "found": [str(one) for one in found.ids],
            "read_to": found.read_to and str(found.read_to),
            "refused": self._batch(found.ids[: min(limit, BATCH)]),
        }

    def _batch(self, batch: Sequence[UUID]) -> list[list[str]]:
        """Carry out the action on one batch, in one transaction. Returns what was refused, as JSON."""
        with self.system.transaction(dry_run=self.dry_run):
            self.lock(batch)
            refused = _refused(self.principal, self.system, self.action, batch)
        return [[str(one.id), one.detail] for one in refused]


def act(
    principal: Principal,
    system: System,
    action: Action,
    wanted: JobFilter,
    after: UUID | None = None,
    *,
    dry_run: bool,
    request: Request | None = None,
    reason: str | None = None,
    until: datetime | None = None,
    limit: int | None = None,
) -> BulkResult:
    """Carry out an action on every matching job, at most `limit` (10,000), in the order of their ids, after `after`.

    If the action is refused for a job, the job is left unchanged. A dry run rolls everything back. A pause may have an
    end. Raises `InvalidInput` for an impossible end.
    """
    most = limit or MAX_JOBS
    kind = _ACTIONS[action]
    theirs = visibility.visible(principal, wanted, kind.scope)

    def find() -> Chosen:
        expect_until(until, system.clock.now())  # checked once: an accepted request is carried out to its end
        with database.reading():
            return Chosen(jobs.ids(theirs, after, most + 1))

    one = partial(kind.carry_out, reason=reason) if kind.has_reason else kind.carry_out
    if until is not None:
        one = partial(one, until=until, is_checked=True)
    return _Work(principal, system, one, _lock_jobs, dry_run, request).carry_out(find, most)


def replay(
    principal: Principal,
    system: System,
    wanted: RunFilter,
    limit: int,
    after: UUID | None = None,
    *,
    dry_run: bool,
    request: Request | None = None,
) -> BulkResult:
    """Replay every dead run that matches and was neither replayed nor dismissed, up to a limit; as `act` does."""
    return act_on_runs(
        principal, system, RunAction.REPLAY, wanted, after, limit=limit, dry_run=dry_run, request=request
    )


def act_on_runs(
    principal: Principal,
    system: System,
    action: RunAction,
    wanted: RunFilter,
    after: UUID | None = None,
    *,
    dry_run: bool,
    request: Request | None = None,
    reason: str | None = None,
    limit: int = MAX_RUNS,
    again: bool = False,
) -> BulkResult:
    """Carry out an action on every run that matches and to which it applies, up to a limit; as `act` does.

    Runs that are named by their ids are refused if the action does not apply to them. `again`: replay completed runs,
    too. Raises `InvalidInput` if then replays made meanwhile could match.
    """
    kind = _REPLAY_AGAIN if again else _RUN_ACTIONS[action]
    theirs = visibility.visible(principal, wanted, Scope.OPERATE)
    fitting = kind.find if wanted.ids is None else chosen_runs.fitting

    def find() -> Chosen:
        if again and wanted.ids is None:
            _expect_all_ended(wanted, system.clock.now())
        with database.reading():
            return fitting(theirs, after, limit + 1)

    one = partial(kind.carry_out, reason=reason) if kind.has_reason else kind.carry_out
    return _Work(principal, system, one, _lock_jobs_of_runs, dry_run, request).carry_out(find, limit)


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
