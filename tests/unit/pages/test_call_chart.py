"""The phases of a call: of one that was cut off, the last says that nothing came."""

from __future__ import annotations

from typing import Any

from pages import call_chart

PHASES: list[dict[str, Any]] = [{"name": "send", "seconds": 0.001}, {"name": "wait", "seconds": 10.0}]


def test_the_first_byte_is_told_of_a_call_that_was_answered() -> None:
    assert "first byte after 10 s" in call_chart.phases([*PHASES, {"name": "receive", "seconds": 0.1}])


def test_no_first_byte_is_told_of_a_call_without_any() -> None:
    drawn = call_chart.phases(PHASES, is_cut_off=True)
    assert "first byte" not in drawn
    assert "no byte of an answer within 10 s" in drawn


def test_an_answer_that_broke_off_has_a_first_byte() -> None:
    drawn = call_chart.phases([*PHASES, {"name": "receive", "seconds": 2.0}], is_cut_off=True)
    assert "first byte after 10 s" in drawn
    assert "answer incomplete after 2.0 s" in drawn
