"""Parse JSON from outside strictly by its standards (RFC 8259 and 7493), and write and measure JSON as it is sent."""

from __future__ import annotations

import contextlib
import json
import math
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass
from itertools import islice
from typing import Any

from core.errors import FieldError, InvalidInput

DEEPEST = 32
_MAX_FAULTS_NAMED = 20
_MAX_DIGITS = 1_000
_LONGEST_SHOWN = 40
_BOM = "\ufeff"
_UTF_8 = ("utf-8", "utf-8-sig")  # what else `detect_encoding` finds is UTF-16 or UTF-32


class NotJson(ValueError):  # noqa: N818  the names say what happened
    """A text is not JSON; the message says why."""


class TooDeep(ValueError):  # noqa: N818
    """A value nests deeper than `DEEPEST` levels."""

    def __init__(self) -> None:
        super().__init__(f"nests deeper than {DEEPEST} levels; write a flatter value")


class _LookCloser(Exception):  # noqa: N818
    """A text has a fault, which must be reported with its place."""


@dataclass(frozen=True)
class _NoNumber:
    """Marks a number that JSON or its readers cannot represent, such as NaN."""

    fault: str


class _Doubled(dict[str, Any]):
    """Marks an object that has several members of one name."""

    names: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class _Place:
    """The path of a value; written out only for a fault, since a path may be as long as the text itself."""

    above: _Place | None
    name: str | int

    def __str__(self) -> str:
        return f"{self.name}" if self.above is None else f"{self.above}.{self.name}"


def parse(text: bytes) -> Any:
    """Returns the JSON value of these bytes; a leading byte order mark is ignored.

    Raises `NotJson`, `TooDeep`, and `InvalidInput` naming the path of each duplicate member, invalid number (such as
    NaN), and text that cannot be stored.
    """
    try:
        value, is_plain = _read(_decoded(text))
    except RecursionError:
        raise TooDeep from None
    except UnicodeDecodeError as error:
        raise NotJson(f"byte {error.start + 1} is not UTF-8") from None
    except ValueError as error:
        raise NotJson(str(error)) from None
    return value if is_plain else checked(value)


def checked(value: Any) -> Any:
    """Returns the value if all of it is JSON that can be stored and sent. Raises as `parse` does."""
    faults = _faults(value)
    if faults:
        raise InvalidInput(*faults)
    return value


def compact(value: Any) -> bytes:
    """Returns a JSON value as it is sent: in UTF-8, without spaces, with the least escaping."""
    text = json.dumps(value, ensure_ascii=False, separators=(",", ":"))
    try:
        return text.encode()
    except UnicodeEncodeError:  # a lone surrogate, which only an escape can express
        return json.dumps(value, separators=(",", ":")).encode()


def size(value: Any) -> int:
    """Returns the size in bytes of a JSON value as it is sent; all limits on JSON are limits on this."""
    return len(compact(value))


def bad_text(text: str) -> str | None:
    """Returns why a text cannot be stored or sent, or None."""
    if "\0" in text:
        return "holds a NUL character (U+0000); remove it."
    if not text.isascii() and any("\ud800" <= character <= "\udfff" for character in text):
        return "holds half a surrogate pair; write whole characters."
    return None


def _decoded(text: bytes) -> str:
    """Returns bytes as text, without a byte order mark."""
    if not text.isascii() or b"\0" in text:
        encoding = json.detect_encoding(text)
        if encoding not in _UTF_8:
            raise NotJson(f"it is in {encoding.upper()}; send UTF-8")
    return text.decode().removeprefix(_BOM)


def _read(text: str) -> tuple[Any, bool]:
    """Returns the JSON value of a text, and whether it is plain, as nearly all are: then it need not be checked.

    In a value that is not plain, marks replace the faulty parts.
    """
    if _may_be_plain(text):
        with contextlib.suppress(_LookCloser):
            return _PLAIN.decode(text), True
    marked = json.loads(
        text, object_pairs_hook=_members_once, parse_constant=_constant, parse_float=_float, parse_int=_whole
    )
    return marked, False


def _may_be_plain(text: str) -> bool:
    """Whether it can hold no bad text, which takes an escape, and cannot nest too deeply."""
    return "\\u" not in text and text.count("{") + text.count("[") <= DEEPEST and not text.startswith(_BOM)


def _faults(value: Any) -> list[FieldError]:
    """Returns the first faults within a value, each with its path. Raises `TooDeep`."""
    faults: list[FieldError] = []
    waiting: list[tuple[_Place | None, int, Any]] = [(None, 0, value)]
    while waiting and len(faults) < _MAX_FAULTS_NAMED:
        place, depth, inner = waiting.pop()
        if isinstance(inner, dict | list):
            if depth == DEEPEST:
                raise TooDeep
            faults.extend(_faults_of_names(place, inner) if isinstance(inner, dict) else ())
            waiting.extend((_Place(place, name), depth + 1, one) for name, one in _members(inner))
        elif fault := _fault(inner):
            faults.append(FieldError(_path(place), fault))
    return faults[:_MAX_FAULTS_NAMED]


def _path(place: _Place | None) -> str:
    return ("" if place is None else str(place)) or "body"


def _fault(inner: Any) -> str | None:
    match inner:
        case str():
            return bad_text(inner)
        case _NoNumber():
            return inner.fault
        case float() if not math.isfinite(inner):
            return _no_number(str(inner))
    return None


def _faults_of_names(place: _Place | None, inner: dict[str, Any]) -> list[FieldError]:
    bad = [
        f"has a member whose name {message}"
        for message in islice(filter(None, map(bad_text, inner)), _MAX_FAULTS_NAMED)
    ]
    faults = [FieldError(_path(place), message) for message in bad]
    if isinstance(inner, _Doubled):
        faults += [
            FieldError(str(_Place(place, name)), "is given more than once; give it once.") for name in inner.names
        ]
    return faults


def _members(inner: dict[str, Any] | list[Any]) -> list[tuple[str | int, Any]]:
    """Returns the parts of a value that may have a fault."""
    pairs = inner.items() if isinstance(inner, dict) else enumerate(inner)
    return [(name, one) for name, one in pairs if isinstance(one, _LOOKED_AT)]


_LOOKED_AT = (str, dict, list, float, _NoNumber)


def _members_once(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    members = dict(pairs)
    if len(members) == len(pairs):
        return members
    doubled = _Doubled(members)
    times = Counter(name for name, _ in pairs)
    readable = (name for name in members if times[name] > 1 and not bad_text(name))
    doubled.names = tuple(islice(readable, _MAX_FAULTS_NAMED))
    return doubled


def _plain_members(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    members = dict(pairs)
    if len(members) < len(pairs):
        raise _LookCloser
    return members


def _constant(text: str) -> _NoNumber:
    return _NoNumber(_no_number(text))


def _no_number(text: str) -> str:
    return f"is {text}, which is no JSON number; write a finite number, or null."


def _float(text: str) -> float | _NoNumber:
    number = float(text)
    if math.isinf(number):
        return _NoNumber(f"is {text[:_LONGEST_SHOWN]}, which is too large a number; write a smaller one, or text.")
    return number


def _whole(text: str) -> int | _NoNumber:
    if len(text) > _MAX_DIGITS:
        return _NoNumber(f"is a number of more than {_MAX_DIGITS} digits; write a shorter one, or text.")
    return int(text)


def _only(read: Callable[[Any], Any]) -> Callable[[Any], Any]:
    """Returns a hook that raises `_LookCloser` where `read` returns a mark."""

    def read_plain(given: Any) -> Any:
        value = read(given)
        if isinstance(value, _NoNumber):
            raise _LookCloser
        return value

    return read_plain


_PLAIN = json.JSONDecoder(
    object_pairs_hook=_plain_members,
    parse_constant=_only(_constant),
    parse_float=_only(_float),
    parse_int=_only(_whole),
)
