"""The parts of an installation: the last that each gave a sign of life, and in which versions they are."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime

from core.processes import ProcessKind
from core.signs_of_life import BEAT, OLDEST_BEAT_SECONDS, OLDEST_TICK_SECONDS, TICK
from core.workers import WorkerStatus
from models import database, signals, workers
from models.tables import Worker
from services.reading.installation import processes
from services.reading.installation.processes import ProcessView
from services.runtime.troubles import Trouble
from services.system import System

_MAX_WORKERS = 1_000


@dataclass(frozen=True)
class PartView:
    """A part: whether it is well, in words how it is, and when it was last heard of, where it gives signs of life.

    `versions` are those of its processes that live, as far as they report them.
    """

    name: str
    is_well: bool
    detail: str
    seen_at: datetime | None = None
    versions: tuple[str, ...] = ()


def known(system: System, *, broker: bool, troubles: Sequence[Trouble]) -> list[PartView]:
    """Returns the parts, those with a trouble first. It names no host, and is for everybody as `/readyz` is."""
    now = system.clock.now()
    with database.reading():
        seen = signals.seen()
        newest = [one for one in workers.newest(_MAX_WORKERS) if one.stopped_at is None]
        others = [one for one in processes.seen(system) if one.status is WorkerStatus.ALIVE]
    found = [
        *(PartView(one.part, is_well=False, detail=f"{one.detail} {one.remedy}") for one in troubles),
        PartView("database", is_well=True, detail="answers"),
        PartView("broker", is_well=broker, detail="answers" if broker else "does not answer; rings wait until it does"),
        *_webs(others),
        _coordinator(seen.get(TICK), now, others),
        _workers(system, newest, now),
    ]
    if not system.settings.embedded:
        found.append(_periodic(seen.get(BEAT), now, others))
    return sorted(found, key=lambda part: part.is_well)


def _webs(others: Sequence[ProcessView]) -> list[PartView]:
    """The web processes; nothing where none reports itself, as those of the former release."""
    webs = _of_kind(others, ProcessKind.WEB)
    if not webs:
        return []
    seen_at = max(one.seen_at for one in webs)
    return [PartView("web", is_well=True, detail=f"{len(webs)} alive", seen_at=seen_at, versions=_versions(webs))]


def _workers(system: System, newest: Sequence[Worker], now: datetime) -> PartView:
    silent_since = system.settings.lease_seconds
    alive = [one for one in newest if (now - one.heartbeat_at).total_seconds() <= silent_since]
    takers = sum(one.draining_at is None for one in alive)
    last = max((one.heartbeat_at for one in newest), default=None)
    return PartView("workers", bool(takers), _told_of_workers(takers, len(alive) - takers), last, _versions(alive))


def _told_of_workers(takers: int, draining: int) -> str:
    if takers:
        return f"{takers} alive" + (f", {draining} draining" if draining else "")
    if draining:
        return "all that live are draining: nothing more is executed"
    return "none is alive: nothing is executed"


def _coordinator(at: datetime | None, now: datetime, others: Sequence[ProcessView]) -> PartView:
    theirs = _of_kind(others, ProcessKind.COORDINATOR, ProcessKind.EMBEDDED)
    return _signal("coordinator", _is_recent(at, now, OLDEST_TICK_SECONDS), at, theirs, "due runs wait for it")


def _periodic(at: datetime | None, now: datetime, others: Sequence[ProcessView]) -> PartView:
    theirs, without = _of_kind(others, ProcessKind.PERIODIC), "the coordinator plans without it"
    return _signal("periodic", _is_recent(at, now, OLDEST_BEAT_SECONDS), at, theirs, without)


def _signal(name: str, is_well: bool, at: datetime | None, theirs: Sequence[ProcessView], meaning: str) -> PartView:
    words = "gives signs of life" if is_well else f"no sign of life: {meaning}"
    return PartView(name, is_well, words, at, _versions(theirs))


def _is_recent(at: datetime | None, now: datetime, oldest_seconds: float) -> bool:
    return at is not None and (now - at).total_seconds() <= oldest_seconds


def _of_kind(others: Sequence[ProcessView], *kinds: ProcessKind) -> list[ProcessView]:
    return [one for one in others if one.kind in kinds]


def _versions(found: Iterable[ProcessView | Worker]) -> tuple[str, ...]:
    return tuple(sorted({one.version for one in found if one.version is not None}))
