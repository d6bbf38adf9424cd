"""JSON as it is read from outside, and as it is measured."""

from __future__ import annotations

import json
from typing import Any

import pytest

from core import json_text
from core.errors import InvalidInput

BOM = b"\xef\xbb\xbf"


@pytest.mark.parametrize(
    ("text", "value"),
    [
        (BOM + b'{"a": 1}', {"a": 1}),
        (b'{"a": {"x": 1}, "b": {"x": 1}}', {"a": {"x": 1}, "b": {"x": 1}}),
        (b'[{"x": 1}, {"x": 1}]', [{"x": 1}, {"x": 1}]),
        (b'{"a": 1, "A": 2}', {"a": 1, "A": 2}),
        (b"-0", 0),
        (b"1e308", 1e308),
        (b"1e-400", 0.0),
        (b"9" * 1_000, int("9" * 1_000)),
        (b'"\\ud83d\\ude00"', "\U0001f600"),
    ],
)
def test_what_the_standards_allow_is_read(text: bytes, value: Any) -> None:
    assert json_text.parse(text) == value


@pytest.mark.parametrize(
    ("text", "fields"),
    [
        (b'{"a": 1, "a": 1}', {"a"}),
        (b'{"a": 1, "\\u0061": 1}', {"a"}),
        (b'{"data": {"x": [{"y": 1, "y": 2}]}}', {"data.x.0.y"}),
        (b'{"a": {"x": 1, "x": 2}, "b": 0, "b": 0}', {"a.x", "b"}),
        (b'{"a": NaN, "b": [Infinity, -Infinity], "c": 1e400}', {"a", "b.0", "b.1", "c"}),
        (b'{"a": ' + b"9" * 1_001 + b"}", {"a"}),
        (b"NaN", {"body"}),
        (b'{"a": "\\u0000", "b": "\\ud800"}', {"a", "b"}),
        (b'{"\\ud800": 1, "\\ud800": 2}', {"body"}),
    ],
)
def test_what_cannot_be_taken_is_named_by_its_place(text: bytes, fields: set[str]) -> None:
    with pytest.raises(InvalidInput) as refused:
        json_text.parse(text)
    assert {fault.field for fault in refused.value.fields} == fields


@pytest.mark.parametrize(
    ("text", "word"),
    [
        (b"", "Expecting value"),
        (b"{", "Expecting"),
        (BOM + BOM + b"{}", "BOM"),
        ('{"a": 1}'.encode("utf-16"), "UTF-16"),
        ('{"a": 1}'.encode("utf-16-be"), "UTF-16"),
        ('{"a": 1}'.encode("utf-32"), "UTF-32"),
        ('{"a": "é"}'.encode("latin-1"), "byte 8 is not UTF-8"),
    ],
)
def test_what_is_no_json_is_told_with_the_reason(text: bytes, word: str) -> None:
    with pytest.raises(json_text.NotJson, match=word):
        json_text.parse(text)


@pytest.mark.parametrize("text", [b"[" * 100_000, b'{"a":' * 33 + b"1" + b"}" * 33])
def test_what_nests_too_deeply_is_refused(text: bytes) -> None:
    with pytest.raises(json_text.TooDeep):
        json_text.parse(text)


@pytest.mark.parametrize("number", [float("nan"), float("inf"), -float("inf")])
def test_a_value_that_was_not_read_from_json_is_checked_too(number: float) -> None:
    with pytest.raises(InvalidInput, match=r"a\.0: is"):
        json_text.checked({"a": [number]})


@pytest.mark.parametrize(
    ("value", "size"),
    [("漢", 5), ("é", 4), ("\U0001f600", 6), ("\n", 4), ('"', 4), ("/", 3), ([1, 1], 5), ({"a": 1}, 7), (None, 4)],
)
def test_a_size_is_that_of_the_bytes_that_are_sent(value: Any, size: int) -> None:
    assert json_text.size(value) == size == len(json_text.compact(value))
    assert json.loads(json_text.compact(value)) == value


def test_half_a_surrogate_pair_can_still_be_written() -> None:
    assert json_text.compact(["\ud800", "é"]) == b'["\\ud800","\\u00e9"]'


def test_of_many_members_that_are_given_twice_the_first_are_told() -> None:
    names = [f'"{number}":0' for number in range(60_000)]
    with pytest.raises(InvalidInput) as refused:
        json_text.parse(f"{{{','.join([*names, *names])}}}".encode())
    assert [fault.field for fault in refused.value.fields] == [str(number) for number in range(20)]


def test_of_many_members_with_bad_names_the_first_are_told_with_the_place_of_their_object() -> None:
    long = "a" * 500_000
    names = ",".join(f'"\\u0000{number}":0' for number in range(30_000))
    with pytest.raises(InvalidInput) as refused:
        json_text.parse(f'{{"{long}":{{{names}}}}}'.encode())
    assert [fault.field for fault in refused.value.fields] == [long] * 20


def test_the_values_beneath_a_long_name_are_looked_at_without_a_copy_of_it_for_each() -> None:
    long = "a" * 500_000
    values = ["\u00e9"] * 60_000
    assert json_text.parse(json.dumps({long: values}).encode()) == {long: values}
