"""`carillon restore`: what an administrator types after the database was taken back."""

from __future__ import annotations

import pytest

from core.principals import LOCAL
from services.jobs import creating
from tests.factories import GivenSystem, claim, new_job
from tests.integration.command_line.terminal import Terminal


def test_a_restore_is_declared_looked_at_and_released_to_the_end(terminal: Terminal, system: GivenSystem) -> None:
    for _ in range(3):
        creating.create(LOCAL, system, new_job())
    assert terminal.ok("restore", "show") == "Nothing is held for a restore.\n"
    assert "app_a" in terminal.ok("restore", "declare", "--reason", "base backup of Monday")
    assert claim(system) == []
    done = terminal.json("restore", "release", "--app", "app_a", "--runs", "1")
    assert (done["runs"], done["left"]["apps"][0]["not_begun"]) == (1, 2)
    assert "1 runs are discarded." in terminal.ok("restore", "release", "--not-begun", "--runs", "1", "--discard")
    assert "Nothing is held" in terminal.ok("restore", "release")
    assert len(claim(system)) == 2


@pytest.mark.parametrize("runs", ["0", "many"])
def test_a_number_of_runs_that_is_none_is_told(terminal: Terminal, runs: str) -> None:
    assert "--runs" in terminal.refused("restore", "release", "--runs", runs, code=2)
