"""Rates: how they are written."""

from __future__ import annotations

import pytest

from core.rates import Rate


def test_a_rate_is_written_as_calls_in_seconds() -> None:
    assert Rate.parse("90/60") == Rate(90, 60)


@pytest.mark.parametrize(
    "text", ["", "90", "90/", "/60", "0/60", "90/0", "-1/60", "1.5/60", "90/60s", "90 / 60", "none", "off"]
)
def test_what_is_no_rate_is_refused_with_an_example(text: str) -> None:
    with pytest.raises(ValueError, match="90/60"):
        Rate.parse(text)
