"""The parts of an installation, and the last that each gave a sign of life."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from core.signs_of_life import BEAT, OLDEST_BEAT_SECONDS, OLDEST_TICK_SECONDS, TICK
from models import database, signals, workers
from services.runtime.troubles import Trouble
from services.system import System

_MOST_WORKERS = 1_000


@dataclass(frozen=True)
class PartView:
    """A part: whether it is well, in words how it is, and when it was last heard of, where it gives signs of life."""

    name: str
    is_well: bool
    detail: str
    seen_at: datetime | None = None


def known(system: System, *, broker: bool, troubles: Sequence[Trouble]) -> list[PartView]:
    """Returns the parts, those with a trouble first. It names no host, and is for everybody as `/readyz` is."""
    now = system.clock.now()
    with database.reading():
        seen = signals.seen()
        newest = [one for one in workers.newest(_MOST_WORKERS) if one.stopped_at is None]
    silent_since = system.settings.lease_seconds
    alive = [one for one in newest if (now - one.heartbeat_at).total_seconds() <= silent_since]
    last = max((one.heartbeat_at for one in newest), default=None)
    found = [
        *(PartView(one.part, is_well=False, detail=f"{one.detail} {one.remedy}") for one in troubles),
        PartView("database", is_well=True, detail="answers"),
        PartView("broker", is_well=broker, detail="answers" if broker else "does not answer; rings wait until it does"),
        _signal("coordinator", seen.get(TICK), now, OLDEST_TICK_SECONDS, "due runs wait for it"),
        PartView(
            "workers", bool(alive), f"{len(alive)} alive" if alive else "none is alive: nothing is executed", last
        ),
    ]
    if not system.settings.embedded:
        found.append(_signal("periodic", seen.get(BEAT), now, OLDEST_BEAT_SECONDS, "the coordinator plans without it"))
    return sorted(found, key=lambda part: part.is_well)


def _signal(name: str, at: datetime | None, now: datetime, oldest_seconds: float, meaning: str) -> PartView:
    is_well = at is not None and (now - at).total_seconds() <= oldest_seconds
    return PartView(name, is_well, "gives signs of life" if is_well else f"no sign of life: {meaning}", at)
