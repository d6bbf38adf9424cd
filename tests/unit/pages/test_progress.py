"""How far a run is, as far as what it told can be drawn."""

from __future__ import annotations

from types import SimpleNamespace
from typing import Any, cast

import pytest

from pages import progress


def of(told: object) -> progress.Progress | None:
    return progress.of(cast("Any", SimpleNamespace(progress=told)))


def test_a_share_and_a_count_are_drawn() -> None:
    assert of(0.25) == progress.Progress(0.25, "25%")
    assert of({"done": 3, "total": 8}) == progress.Progress(0.375, "3 of 8")
    assert of({"done": 9, "total": 8}) == progress.Progress(1.0, "9 of 8")


@pytest.mark.parametrize("told", [True, {"done": True, "total": 2}, {"done": 10**400, "total": 10**400}, 10**400, "x"])
def test_what_is_no_number_to_reckon_with_is_not_drawn(told: object) -> None:
    assert of(told) is None
