"""Finding jobs by a member of their metadata, which is written KEY:VALUE."""

from __future__ import annotations

import json
import re
from dataclasses import dataclass
from typing import Any

LONGEST = 1_000
_NUMBER = re.compile(r"-?(?:0|[1-9][0-9]*)(?:\.[0-9]+)?")
_MAX_DIGITS = 15  # of a number that no database rounds
_WORDS: dict[str, Any] = {"true": True, "false": False, "null": None}


@dataclass(frozen=True)
class Member:
    """A member of metadata, by its name and its value as text."""

    name: str
    value: str

    def values(self) -> tuple[Any, ...]:
        """Returns the JSON values that are meant: the text, and the number, true, false or null that it spells."""
        if self.value in _WORDS:
            return self.value, _WORDS[self.value]
        number = _number(self.value)
        return (self.value,) if number is None else (self.value, number)


def read(text: str) -> Member:
    """Parse KEY:VALUE; the first colon divides. Raises `ValueError`."""
    name, colon, value = text.partition(":")
    if not (name and colon):
        raise ValueError("must be KEY:VALUE, a member of the metadata, for example team:billing.")
    return Member(name, value)


def checked(text: str) -> str:
    """Returns a text that is KEY:VALUE. Raises `ValueError` for any other."""
    read(text)
    return text


def _number(text: str) -> int | float | None:
    """Returns the number that a text spells; None for a long one, and for one that JSON writes with an exponent."""
    if len(text) > _MAX_DIGITS or not _NUMBER.fullmatch(text):
        return None
    number = float(text)
    if number.is_integer():
        return int(number)
    return None if "e" in json.dumps(number) else number
