"""JSON from outside, read by the letter of its standards (RFC 8259 and 7493), and JSON as it is sent and measured."""

from __future__ import annotations

import contextlib
import json
import math
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from core.errors import FieldError, InvalidInput

DEEPEST = 32
_FAULTS_TOLD = 20
_MOST_DIGITS = 1_000
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
    """A text has something odd in it, which is to be told with its place."""


@dataclass(frozen=True)
class _NoNumber:
    """Marks a number that JSON or its readers cannot represent, such as NaN."""

    fault: str


class _Doubled(dict[str, Any]):
    """Marks an object that has several members of one name."""

    names: tuple[str, ...] = ()


def parse(text: bytes) -> Any:
    """Returns the JSON value of these bytes; a leading byte order mark is ignored.

    Raises `NotJson`, `TooDeep`, and `InvalidInput` naming each place of a member that is given twice, a number that is
    none, and a text that cannot be stored.
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
    except UnicodeEncodeError:  # half a surrogate pair, which only an escape can carry
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

    In another, marks stand for what is odd.
    """
    if _may_be_plain(text):
        with contextlib.suppress(_LookCloser):
            return _PLAIN.decode(text), True
    marked = json.loads(
        text, object_pairs_hook=_members_once, parse_constant=_constant, parse_float=_float, parse_int=_whole
    )
    return marked, False


def _may_be_plain(text: str) -> bool:
    """Whether no text in it can be a bad one, which only an escape makes, and it cannot nest too deeply."""
    return "\\u" not in text and text.count("{") + text.count("[") <= DEEPEST and not text.startswith(_BOM)


def _faults(value: Any) -> list[FieldError]:
    """Returns the faults within a value, each with its path. Raises `TooDeep`."""
    faults: list[FieldError] = []
    waiting = [("", 0, value)]
    while waiting and len(faults) < _FAULTS_TOLD:
        path, depth, inner = waiting.pop()
        if isinstance(inner, dict | list):
            if depth == DEEPEST:
                raise TooDeep
            waiting.extend((place, depth + 1, one) for place, one in _members(path, inner, faults))
        elif fault := _fault(inner):
            faults.append(FieldError(path or "body", fault))
    return faults


def _fault(inner: Any) -> str | None:
    match inner:
        case str():
            return bad_text(inner)
        case _NoNumber():
            return inner.fault
        case float() if not math.isfinite(inner):
            return _no_number(str(inner))
    return None


def _members(path: str, inner: dict[str, Any] | list[Any], faults: list[FieldError]) -> list[tuple[str, Any]]:
    dot = f"{path}." if path else ""
    if isinstance(inner, list):
        return [(f"{dot}{index}", one) for index, one in enumerate(inner) if isinstance(one, _LOOKED_AT)]
    faults.extend(
        FieldError(path or "body", f"has a member whose name {message}") for message in map(bad_text, inner) if message
    )
    if isinstance(inner, _Doubled):
        faults.extend(FieldError(f"{dot}{name}", "is given more than once; give it once.") for name in inner.names)
    return [(f"{dot}{name}", one) for name, one in inner.items() if isinstance(one, _LOOKED_AT)]


_LOOKED_AT = (str, dict, list, float, _NoNumber)


def _members_once(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    members = dict(pairs)
    if len(members) == len(pairs):
        return members
    doubled = _Doubled(members)
    names = [name for name, _ in pairs]
    doubled.names = tuple(name for name in members if names.count(name) > 1 and not bad_text(name))[:_FAULTS_TOLD]
    return doubled


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
    if len(text) > _MOST_DIGITS:
        return _NoNumber(f"is a number of more than {_MOST_DIGITS} digits; write a shorter one, or text.")
    return int(text)


def _only(read: Callable[[Any], Any]) -> Callable[[Any], Any]:
    """Returns a hook that raises `_LookCloser` where `read` returns a mark."""

    def read_plain(given: Any) -> Any:
        value = read(given)
        if isinstance(value, _MARKS):
            raise _LookCloser
        return value

    return read_plain


_MARKS = (_Doubled, _NoNumber)
_PLAIN = json.JSONDecoder(
    object_pairs_hook=_only(_members_once),
    parse_constant=_only(_constant),
    parse_float=_only(_float),
    parse_int=_only(_whole),
)
