"""Runs that are old enough to go, and the archive as it is stored and shown."""

from __future__ import annotations

from pathlib import Path
from typing import Any
from uuid import UUID

from models.tables import Run
from tests.factories import GivenSystem, claim_one, first_run, record, succeeded
from tests.integration.api.client import Client

DAY_SECONDS = 86_400.0
DAY = "2026-11-20"  # on which the clock of a given system begins


def ended(system: GivenSystem, count: int = 1, **fields: Any) -> list[str]:
    """The ids of runs that end now, a second apart."""
    runs = []
    for _ in range(count):
        runs.append(first_run(system, **fields))
        record(system, claim_one(system), succeeded())
        system.clock.advance(1)
    return [str(run.id) for run in runs]


def let_them_age(system: GivenSystem) -> None:
    """Advance the clock until everything that has ended may be archived."""
    system.clock.advance(40 * DAY_SECONDS)


def left(*run_ids: str) -> int:
    """How many of these runs are in the database."""
    return int(Run.select().where(Run.id.in_([UUID(one) for one in run_ids])).count())


def parts(system: GivenSystem) -> list[Path]:
    """The parts in the folder, by name."""
    return sorted((system.settings.data_dir / "files" / "archive").rglob("*.gz"))


def shown(client: Client, day: str = DAY, **params: Any) -> list[str]:
    """The ids of the archived runs of a day, as they are listed."""
    found = client.simulate_get(f"/api/archive/{day}", params=params)
    assert found.status_code == 200, found.text
    return [run["id"] for run in found.json["results"]]
