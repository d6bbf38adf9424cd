"""The command line of `bench growth`: how many rows there are of each kind, for each size."""

from __future__ import annotations

import pytest

from bench.growth.command import parse
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
