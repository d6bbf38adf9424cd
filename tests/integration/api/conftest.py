"""The API over SQLite."""

from __future__ import annotations

import pytest

from api.live import hub
from api.resources import events as resource
from tests.factories import GivenSystem, given_system
from tests.integration.api.client import Broker, Client, served


@pytest.fixture
def system(sqlite: str) -> GivenSystem:
    return given_system()


@pytest.fixture
def broker() -> Broker:
    return Broker()


@pytest.fixture
def client(system: GivenSystem, broker: Broker) -> Client:
    return Client(served(system, broker))


@pytest.fixture
def prompt_streams(monkeypatch: pytest.MonkeyPatch) -> None:
    """Looks and comments come often."""
    monkeypatch.setattr(resource, "COMMENT_SECONDS", 0.05)
    monkeypatch.setattr(hub, "LOOK_SECONDS", 0.01)
