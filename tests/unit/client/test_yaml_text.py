"""YAML stands for JSON: no dates, no sexagesimal times, no words that mean true; what is written is read alike."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from client import yaml_text
from client.errors import WrongFile
from core import yaml_writing

TEXTS = st.one_of(
    st.text(st.characters(exclude_categories=["Cs"], exclude_characters="\0")),  # what no server takes is told
    st.from_regex(r"[-+]?[0-9_.:eExo]{1,8}", fullmatch=True),
    st.sampled_from(
        ["yes", "No", "on", "~", "null", "=", "<<", "2026-03-01", "12:30:00", "1e3", "0o7", "", " a", "a: b"]
    ),
)
VALUES: st.SearchStrategy[Any] = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False, allow_infinity=False) | TEXTS,
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(TEXTS, inner, max_size=4),
    max_leaves=12,
)


@settings(deadline=None, database=None)
@given(VALUES)
def test_what_is_written_is_read_as_the_same_value(value: Any) -> None:
    read, _ = yaml_text.read(yaml_writing.write(value), "file")
    assert read == value
    assert repr(read) == repr(value)


@pytest.mark.parametrize(
    ("text", "value"),
    [
        ("2026-03-01T09:30:00Z", "2026-03-01T09:30:00Z"),
        ("2026-03-01 09:30:00", "2026-03-01 09:30:00"),
        ("2026-03-01", "2026-03-01"),
        ("12:30:00", "12:30:00"),
        ("0123", "0123"),
        ("yes", "yes"),
        ("off", "off"),
        ("True", True),
        ("1_000", "1_000"),
        ("-17", -17),
        (".5", 0.5),
        ("1.", 1.0),
        ("", None),
        ("{a: , b: ~}", {"a": None, "b": None}),
    ],
)
def test_plain_words_mean_what_json_knows(text: str, value: Any) -> None:
    read, _ = yaml_text.read(text, "file")
    assert repr(read) == repr(value)


def test_a_part_may_be_named_once_and_meant_twice() -> None:
    text = "- &a {b: 1, c: 2}\n- <<: *a\n  c: 3\n"
    assert yaml_text.read(text, "file")[0] == [{"b": 1, "c": 2}, {"b": 1, "c": 3}]


@pytest.mark.parametrize(
    ("text", "line", "words"),
    [
        ("a: 1\nb: 2\na: 3", 3, "'a' is given twice"),
        ("a:\n  b: 1\n  b: 2", 3, "'b' is given twice"),
        ("a: 1\n1: b", 2, "the key 1 is not text"),
        ("a: 1\ntrue: b", 2, "not text"),
        ("a: !!binary aGk=", 1, "'binary' is nothing that JSON knows"),
        ("a: 1\nb: !!timestamp 2026-01-01", 2, "write text"),
        ("a: !!python/object/apply:os.system [ls]", 1, "nothing that JSON knows"),
        ("a: &x\n  - *x", 1, "contains itself"),
        ("a: [1, 2\nb: 3", 2, ""),
        ("a: 1\n---\nb: 2", 2, "document"),
        ("a: *b", 1, "undefined alias"),
        ("\x07", 1, "not YAML"),
        pytest.param("[" * 5000, 1, "", id="5000 brackets"),
    ],
)
def test_what_json_does_not_know_is_refused_naming_the_line(text: str, line: int, words: str) -> None:
    with pytest.raises(WrongFile) as refused:
        yaml_text.read(text, "jobs.yaml")
    assert str(refused.value).startswith(f"jobs.yaml, line {line}: ")
    assert words in str(refused.value)
