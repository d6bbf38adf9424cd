"""Make values storable: text without NUL and lone surrogates, JSON without values that JSON cannot represent.

Nothing here raises, whatever it is given: every outcome is recorded.
"""

from __future__ import annotations

import math
import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any

DEEPEST = 64  # pydantic gives up at 255, json at the recursion limit
MAX_VALUES = 200_000
MAX_BITS = 3_000  # of a whole number; Python refuses to read or write some more
LONGEST_TEXT_OF_OBJECT = 2_000
NO_TEXT = "(no text)"

_UNSTORABLE = re.compile("[\x00\ud800-\udfff]")
_REPLACEMENT = "\N{REPLACEMENT CHARACTER}"


@dataclass(frozen=True)
class Storable:
    """A storable value, and whether it differs from the one that was given."""

    value: Any
    is_whole: bool


def text(value: object, longest: int | None = None) -> str:
    """Returns any value as text of at most this length that both databases and every reader of JSON accept."""
    if not isinstance(value, str):
        value = _text_of(value)
    shortened = value if longest is None else value[:longest]
    return str.__str__(shortened) if _UNSTORABLE.search(shortened) is None else _mended(shortened)


def json_value(value: object) -> Storable:
    """Returns the JSON value closest to any value.

    Texts are repaired; a value that JSON cannot represent, nests too deeply or is too large is replaced by its text.
    """
    walk = _Walk()
    return Storable(walk.kept(value, 0), walk.is_whole)


def whole_number(value: object, lowest: int, highest: int) -> int | None:
    """Returns the value if it is a whole number within these bounds, else None."""
    if isinstance(value, bool) or not isinstance(value, int) or not lowest <= value <= highest:
        return None
    return int(value)


def seconds(value: object, longest: float) -> float | None:
    """Returns the value as seconds, clamped from 0 to the longest; None if it is not a number."""
    if isinstance(value, bool) or not isinstance(value, int | float) or value != value:  # noqa: PLR0124  NaN
        return None
    return float(min(max(value, 0), longest))


class _Walk:
    """One walk through a value that counts what it has visited: a list may contain itself."""

    def __init__(self) -> None:
        self.is_whole = True
        self._left = MAX_VALUES

    def kept(self, value: Any, depth: int) -> Any:
        self._left -= 1
        match value:
            case None | bool():
                return value
            case str():
                return self._same(value, text(value))
            case int() if value.bit_length() <= MAX_BITS:
                return int(value)
            case float() if math.isfinite(value):
                return float(value)
            case dict() | list() | tuple() if depth < DEEPEST and self._left > 0:
                return self._inside(value, depth + 1)
        self.is_whole = False
        return text(value, LONGEST_TEXT_OF_OBJECT)

    def _inside(self, value: dict[Any, Any] | list[Any] | tuple[Any, ...], depth: int) -> Any:
        if not isinstance(value, dict):
            return [self.kept(one, depth) for one in self._as_many(value)]
        return {self._name(name): self.kept(value[name], depth) for name in self._as_many(value)}

    def _as_many(self, values: Iterable[Any]) -> Iterable[Any]:
        for one in values:
            if self._left <= 0:
                self.is_whole = False
                return
            yield one

    def _name(self, name: Any) -> str:
        """Returns a member's name as `json` writes it."""
        match name:
            case str():
                return str(self._same(name, text(name)))
            case None:
                return "null"
            case bool():
                return "true" if name else "false"
            case int() | float():
                return text(name)
        self.is_whole = False
        return text(name, LONGEST_TEXT_OF_OBJECT)

    def _same(self, given: str, kept: str) -> str:
        self.is_whole = self.is_whole and given == kept
        return kept


def _text_of(value: object) -> str:
    """Returns any value's text, or the name of its type if `str` fails."""
    try:
        if isinstance(value, bytes | bytearray):
            return value.decode("utf-8", "replace")
        if isinstance(value, Mapping | list | tuple):
            return f"{type(value).__name__} of {len(value)}"
        said = f"{type(value).__name__}: {value}" if isinstance(value, BaseException) else str(value)
    except Exception:  # noqa: BLE001  an object's own code may raise anything
        return f"{type(value).__name__} {NO_TEXT}"
    return said


def _mended(value: str) -> str:
    """Returns the text with surrogate pairs joined and lone surrogates replaced."""
    whole = value.encode("utf-16", "surrogatepass").decode("utf-16", "replace")
    return whole.replace("\x00", _REPLACEMENT)
