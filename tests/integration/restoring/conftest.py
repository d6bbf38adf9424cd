"""An installation that has counted marks, and its database taken back."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest

from models import database
from models.tables import Installation
from services.restoring.guard import Guard
from tests.factories import GivenSystem, given_system

TakeBack = Callable[[], Guard]


@pytest.fixture
def system(store: str, tmp_path: Path) -> GivenSystem:
    return given_system(data_dir=tmp_path / "data")


@pytest.fixture
def take_back(system: GivenSystem) -> TakeBack:
    """Count a mark, forget it in the database alone, and look as a process does that starts then."""
    Guard(system).look()

    def taken_back() -> Guard:
        with database.transaction():
            before = Installation.get()
        system.clock.advance(60)
        Guard(system).look()
        with database.transaction():
            Installation.update(mark=before.mark, marked_at=before.marked_at).execute()
        system.clock.advance(60)
        guard = Guard(system)
        guard.look()
        return guard

    return taken_back
