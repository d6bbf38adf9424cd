"""A worker, its receiver, and runs for it to execute."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from core.schedules import Schedule
from models.tables import Run
from tests.factories import GivenSystem, RecordingDoorbell, RunningClock, first_run, given_system
from tests.integration.messaging.house import House, ScriptedReceiver


@pytest.fixture
def receiver(tmp_path: Path) -> Iterator[ScriptedReceiver]:
    made = ScriptedReceiver(folder=tmp_path)
    made.start()
    yield made
    made.stop()


@pytest.fixture
def house(system: GivenSystem) -> Iterator[House]:
    made = House(system)
    made.start()
    yield made
    made.stop()


@pytest.fixture
def run_to_execute(system: GivenSystem, receiver: ScriptedReceiver) -> Callable[..., Run]:
    """Makes a job whose calls the receiver answers; its first run."""

    def make(schedule: Schedule | None = None, **overrides: Any) -> Run:
        return first_run(system, schedule, callback_url=f"{receiver.url}/internal/jobs/greet", **overrides)

    return make


@pytest.fixture
def running_system(store: str) -> GivenSystem:
    """A system whose clock runs."""
    return GivenSystem(given_system().settings, RunningClock(), RecordingDoorbell())
