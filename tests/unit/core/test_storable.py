"""What can be kept of anything."""

from __future__ import annotations

import json
from typing import Any

import pytest

from core import storable


class Hostile:
    """Raises whatever it is asked."""

    def __str__(self) -> str:
        raise RuntimeError("no")

    __repr__ = __str__


def holding_itself() -> list[Any]:
    endless: list[Any] = []
    endless.extend([endless, endless])
    return endless


@pytest.mark.parametrize(
    ("given", "kept"),
    [
        ("Grüße", "Grüße"),
        ("\udcff", "\ufffd"),
        ("a\0b", "a\ufffdb"),
        ("\ud83d\ude00", "\U0001f600"),
        (b"\xff\x00", "\ufffd\ufffd"),
        (KeyError("gone"), "KeyError: 'gone'"),
        (Hostile(), "Hostile (no text)"),
        pytest.param(10**5_000, "int (no text)", id="a very large number"),
        ({"a": 1}, "dict of 1"),
        (None, "None"),
    ],
)
def test_anything_has_a_text(given: object, kept: str) -> None:
    assert storable.text(given) == kept
    assert storable.text(given).encode()


def test_a_text_is_cut_to_its_length() -> None:
    assert storable.text("x" * 10, 3) == "xxx"


@pytest.mark.parametrize(
    "whole", [None, True, 0, 1.5, "x", [], {}, {"a": [1, {"b": None}]}, 2**63, (1, 2), {1: "a", None: "b"}]
)
def test_what_is_json_is_kept_as_json_writes_it(whole: Any) -> None:
    assert storable.json_value(whole) == storable.Storable(json.loads(json.dumps(whole)), is_whole=True)


@pytest.mark.parametrize(
    ("given", "kept"),
    [
        (float("inf"), "inf"),
        ({"\udcff": 1}, {"\ufffd": 1}),
        ({(1, 2): 1}, {"tuple of 2": 1}),
        ([Hostile()], ["Hostile (no text)"]),
        pytest.param(10**5_000, "int (no text)", id="a very large number"),
        ({1}, "{1}"),
    ],
)
def test_what_is_no_json_stands_as_its_text(given: Any, kept: Any) -> None:
    assert storable.json_value(given) == storable.Storable(kept, is_whole=False)


def test_what_nests_too_deeply_ends_where_readers_still_follow() -> None:
    deep: Any = 1
    for _ in range(2_000):
        deep = {"a": [deep]}
    kept = storable.json_value(deep)
    assert not kept.is_whole
    assert json.dumps(kept.value).count("[") <= storable.DEEPEST


def test_what_holds_itself_comes_to_an_end(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(storable, "MAX_VALUES", 1_000)
    assert not storable.json_value(holding_itself()).is_whole


@pytest.mark.parametrize(
    ("given", "seconds"),
    [(5, 5.0), (-1, 0.0), (float("inf"), 60.0), (10**400, 60.0), (float("nan"), None), ("5", None), (True, None)],
)
def test_seconds_are_bounded_wherever_they_come_from(given: object, seconds: float | None) -> None:
    assert storable.seconds(given, 60) == seconds


@pytest.mark.parametrize(("given", "number"), [(503, 503), (10**30, None), (-1, None), (True, None), ("503", None)])
def test_a_whole_number_out_of_its_bounds_is_none(given: object, number: int | None) -> None:
    assert storable.whole_number(given, 0, 2**31 - 1) == number
