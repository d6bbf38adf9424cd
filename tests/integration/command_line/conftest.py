"""A server over SQLite that listens, and someone who types commands to it."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from tests.factories import GivenSystem, given_system
from tests.integration.command_line.terminal import Terminal, listening


@pytest.fixture
def system(sqlite: str) -> GivenSystem:
    return given_system()


@pytest.fixture
def url(system: GivenSystem) -> Iterator[str]:
    """The address of a server over an empty database; nothing executes there."""
    with listening(system) as url:
        yield url


@pytest.fixture
def terminal(url: str) -> Terminal:
    return Terminal(url)
