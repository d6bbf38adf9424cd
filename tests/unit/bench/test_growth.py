"""The command line of `bench growth`: how many rows there are of each kind, for each size."""

from __future__ import annotations

import pytest

from bench.growth.command import faults, parse
from bench.growth.filling import Amounts


def test_what_is_queued_and_to_come_goes_with_the_ended_runs_up_to_a_bound() -> None:
    _, sizes = parse(["--ended", "10_000,10000000"])
    assert sizes == [Amounts(10_000, 10_000, 10_000), Amounts(10_000_000, 100_000, 100_000)]


def test_each_amount_may_be_given() -> None:
    _, sizes = parse(["--ended", "10,20", "--queued", "1,2", "--future", "3,4"])
    assert sizes == [Amounts(10, 1, 3), Amounts(20, 2, 4)]


def test_sizes_that_do_not_go_together_are_refused(capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit):
        parse(["--ended", "10,20", "--queued", "1"])
    assert "as many sizes each" in capsys.readouterr().err


def test_what_grows_though_it_must_not_is_a_fault_and_so_is_a_claim_that_waits_for_pruning() -> None:
    first = {"claim of 8": 1.0, "statistics of jobs": 1.0, "longest claim while pruning": 40.0}
    assert faults([first, {**first, "claim of 8": 1.2, "statistics of jobs": 9.0}]) == []
    assert faults([first, {**first, "claim of 8": 1.4}]) == ["claim of 8"]
    assert faults([first, {**first, "longest claim while pruning": 51.0}]) == ["longest claim while pruning"]
