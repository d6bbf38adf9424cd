"""Who has a turn when, how long a turn is, and what the command line asks for."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import pytest

from bench import alternating, command
from bench.draining import Amount
from bench.figures import Sample


@dataclass(frozen=True)
class Noted:
    """A contestant that notes its turns."""

    name: str
    note: Callable[[tuple[str, float]], None]

    def sample(self, seconds: float) -> Sample:
        self.note((self.name, seconds))
        return {"per_s": seconds}


def test_contestants_alternate_and_the_pilot_is_thrown_away() -> None:
    turns: list[tuple[str, float]] = []
    rows = alternating.measure([Noted("a", turns.append), Noted("b", turns.append)], 2, 8, pilot_seconds=1)
    assert turns == [("a", 1), ("b", 1), ("a", 8), ("b", 8), ("b", 8), ("a", 8)]
    assert [row.values("per_s") for row in rows] == [[8, 8], [8, 8]]


def test_an_amount_fills_the_time_at_the_last_rate_within_bounds() -> None:
    amount = Amount("a kind of its own")
    amount.learn(200)
    assert amount.jobs(8) == 1_600
    amount.learn(1)
    assert amount.jobs(8) == 400
    amount.learn(1e9)
    assert amount.jobs(8) == 60_000


def test_all_names_every_measurement_in_the_order_of_the_table() -> None:
    assert command.names_of(["all"]) == list(command.MEASUREMENTS)
    assert command.names_of(["create", "drain"]) == ["drain", "create"]


def test_an_earlier_commit_is_measured_without_peers_unless_they_are_asked_for() -> None:
    assert not command.parse(["drain", "--against", "HEAD"]).options.with_peers
    assert command.parse(["drain", "--against", "HEAD", "--peers"]).options.with_peers
    assert command.parse(["drain"]).options.with_peers


def test_commits_need_one_to_be_measured_against() -> None:
    with pytest.raises(SystemExit):
        command.parse(["commits"])


def test_quick_has_fewer_and_shorter_turns() -> None:
    usual, quick = command.parse(["all"]).options, command.parse(["all", "--quick"]).options
    assert (quick.rounds, quick.seconds) < (usual.rounds, usual.seconds)
    assert command.parse(["all", "--quick", "--rounds", "4"]).options.rounds == 4
