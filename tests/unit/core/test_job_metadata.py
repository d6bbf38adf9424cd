"""A member of metadata, as it is written in a filter."""

from __future__ import annotations

import pytest

from core.job_metadata import Member, read


def test_the_first_colon_divides_a_member() -> None:
    assert read("team:billing") == Member("team", "billing")
    assert read("at:12:30") == Member("at", "12:30")
    assert read("note:") == Member("note", "")
    for text in ("team", ":billing", ""):
        with pytest.raises(ValueError, match="must be KEY:VALUE"):
            read(text)


@pytest.mark.parametrize(
    ("value", "meant"),
    [
        ("billing", ("billing",)),
        ("7", ("7", 7)),
        ("-0.50", ("-0.50", -0.5)),
        ("7.0", ("7.0", 7)),
        ("true", ("true", True)),
        ("null", ("null", None)),
        ("007", ("007",)),
        ("1e3", ("1e3",)),
        ("0.00001", ("0.00001",)),
        ("1234567890123456", ("1234567890123456",)),
        ("٣", ("٣",)),
    ],
)
def test_a_value_is_a_text_or_what_it_spells(value: str, meant: tuple[object, ...]) -> None:
    found = Member("a", value).values()
    assert (found, [type(one) for one in found]) == (meant, [type(one) for one in meant])
