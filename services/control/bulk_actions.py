"""One action on many jobs or runs, whichever fit a filter: in batches, each carried out whole and then rung for."""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable, Sequence
from dataclasses import dataclass, field, replace
from enum import StrEnum
from uuid import UUID

from core.errors import Conflict, NotFound
from core.filters import JobFilter, RunFilter
from models import database, jobs, pauses, repeats, runs
from services import jobs as intents
from services.control import editing, repeating
from services.doorbell import Ring
from services.system import System

MOST_JOBS = 10_000
MOST_RUNS = 1_000
REFUSED_TOLD = 20
BATCH = 100


class Action(StrEnum):
    """What can be done to many jobs at once."""

    PAUSE = "pause"
    RESUME = "resume"
    CANCEL = "cancel"
    DELETE = "delete"
    RETRY = "retry"
    TRIGGER = "trigger"


@dataclass(frozen=True)
class Refused:
    """One that the action was not carried out on, and why."""

    id: UUID
    detail: str


@dataclass(frozen=True)
class Outcome:
    """How many fit, on how many the action was carried out, the first of those refused; `last` if more fit."""

    matched: int
    changed: int
    refused: Sequence[Refused]
    last: UUID | None


@dataclass(frozen=True)
class _LaterDoorbell:
    """Keeps rings until the transaction that they tell of is committed."""

    rings: list[Ring] = field(default_factory=list)

    def ring(self, rings: Iterable[Ring]) -> None:
        self.rings.extend(rings)

    def waiting(self) -> int:
        return len(self.rings)


_Act = Callable[[System, UUID], object]
_ACTIONS: dict[Action, _Act] = {
    Action.PAUSE: intents.pause,
    Action.RESUME: intents.resume,
    Action.CANCEL: intents.cancel,
    Action.DELETE: editing.delete,
    Action.RETRY: repeating.retry,
    Action.TRIGGER: repeating.trigger,
}


def act(system: System, action: Action, wanted: JobFilter, after: UUID | None = None, *, dry_run: bool) -> Outcome:
    """Carry out an action on every job that fits, at most 10,000 of them, in the order of their ids from `after` on.

    A job that it cannot be carried out on is left as it is. A dry run takes everything back.
    """
    with database.reading():
        found = jobs.ids(wanted, after, MOST_JOBS + 1)
    return _carry_out(system, _ACTIONS[action], found, MOST_JOBS, _lock_jobs, dry_run=dry_run)


def replay(system: System, wanted: RunFilter, limit: int, after: UUID | None = None, *, dry_run: bool) -> Outcome:
    """Replay every dead run that fits and was not repeated before, at most so many; as `act` does."""
    with database.reading():
        found = repeats.not_repeated(wanted, after, limit + 1)
    return _carry_out(system, repeating.replay, found, limit, _lock_jobs_of_runs, dry_run=dry_run)


def _carry_out(
    system: System,
    action: _Act,
    found: Sequence[UUID],
    limit: int,
    lock: Callable[[Collection[UUID]], None],
    *,
    dry_run: bool,
) -> Outcome:
    ids = found[:limit]
    refused: list[Refused] = []
    for start in range(0, len(ids), BATCH):
        later = _LaterDoorbell()
        with database.trial() if dry_run else database.transaction():
            pauses.share_gate()
            batch = ids[start : start + BATCH]
            lock(batch)
            refused += _refused(replace(system, doorbell=later), action, batch)
        if not dry_run:
            system.doorbell.ring(later.rings)
    last = ids[-1] if len(found) > limit else None
    return Outcome(len(ids), len(ids) - len(refused), refused[:REFUSED_TOLD], last)


def _lock_jobs(job_ids: Collection[UUID]) -> None:
    """Take all locks at once, in the order that everybody takes them: one job after the other would be another."""
    jobs.lock(job_ids)
    runs.lock_live(job_ids)


def _lock_jobs_of_runs(run_ids: Collection[UUID]) -> None:
    _lock_jobs(runs.job_ids(run_ids))


def _refused(system: System, action: _Act, ids: Sequence[UUID]) -> list[Refused]:
    """Act on each of these; those that refused it."""
    refused = []
    for one in ids:
        try:
            action(system, one)
        except (Conflict, NotFound) as error:
            refused.append(Refused(one, str(error)))
    return refused
