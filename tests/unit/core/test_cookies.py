"""Cookies are read once, in linear time, and by one function."""

from __future__ import annotations

import pytest

from core import cookies

NAME = "carillon_session"


@pytest.mark.parametrize(
    ("header", "expected"),
    [
        (None, None),
        ("", None),
        ("other=a", None),
        (f"{NAME}x=a", None),
        (NAME, ""),
        (f"{NAME}=", ""),
        (f"{NAME}=a", "a"),
        (f"other=b;  {NAME} = a ;more", "a"),
        (f"{NAME}=first; {NAME}=second", "first"),
        (f"{NAME}=a=b", "a=b"),
        (f'{NAME}="Europe/Berlin"', "Europe/Berlin"),
        (f'{NAME}="', '"'),
        (f'{NAME}="a\\"b\\057"', 'a\\"b\\057'),
    ],
)
def test_the_first_value_of_a_name_counts_as_it_stands_without_its_quotes(
    header: str | None, expected: str | None
) -> None:
    assert cookies.value(header, NAME) == expected
