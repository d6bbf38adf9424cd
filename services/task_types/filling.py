"""Fills the body of a request from values, with bounds on the work and on the size of the result."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from core import secret_references
from core.errors import PermanentFailure
from services.email import template_syntax, templates
from services.email.templates import InvalidTemplate

MAX_TEMPLATES = 50  # no more than `templates` keeps compiled
LONGEST_TEMPLATES = templates.LONGEST
MAX_VALUES = 5_000  # to be filled in, of all texts of a job: each takes time to check
LONGEST_BYTES = 1024 * 1024

_ONE_VALUE = re.compile(r"\{\{\s*([A-Za-z_]\w*(?:\.\w+)*)\s*\}\}")
_POSITION = re.compile(r"[0-9]{1,9}")
_JSON = json.JSONEncoder(ensure_ascii=False, separators=(",", ":"))


@dataclass(frozen=True)
class Content:
    """A body as it is sent, and its content type."""

    data: bytes
    media_type: str


def values_in(*values: Any) -> int:
    """Returns how many values there are at most to fill into the different texts of JSON values.

    They count as `template_syntax.values_in` says.
    """
    different = {text for value in values for text in _texts(value) if "{" in text}
    return sum(map(template_syntax.values_in, different))


def fault_of_count(count: int, most: int = MAX_VALUES) -> str | None:
    """Returns what is wrong with this number of values to fill in, or None."""
    if count <= most:
        return None
    return (
        f"has {count} values to fill in together, more than {most}; give fewer at a time. One of more than "
        f"{template_syntax.WORDS_OF_A_VALUE} words and signs counts as several."
    )


def check(body: Any) -> None:
    """Check that a body can be filled by some values, without too much work. Raises `InvalidTemplate`."""
    texts = {text for text in _texts(body) if "{{" in text}
    if fault := next(filter(None, map(secret_references.fault_of_text, texts)), None):
        raise InvalidTemplate(fault)
    wanted = {text for text in texts if _is_template(text)}
    if len(wanted) > MAX_TEMPLATES:
        raise InvalidTemplate(
            f"has {len(wanted)} different templates, more than {MAX_TEMPLATES}; let texts be one value each, as in "
            '"{{data.x}}".'
        )
    if sum(map(len, wanted)) > LONGEST_TEMPLATES:
        raise InvalidTemplate(f"has templates of more than {LONGEST_TEMPLATES} characters together; shorten them.")
    if fault := fault_of_count(values_in(*wanted)):
        raise InvalidTemplate(fault)
    for text in wanted:
        templates.check(text, blocks=False)


def content(body: Any, values: Mapping[str, Any]) -> Content | None:
    """Returns a body filled from values. Raises `PermanentFailure` if one is missing, or the body grows too large."""
    if body is None:
        return None
    filled = _Filling(values).of(body)
    if isinstance(body, str):
        return Content(_joined([filled] if isinstance(filled, str) else _as_json(filled)), "text/plain; charset=utf-8")
    return Content(_joined(_as_json(filled)), "application/json")


class _Filling:
    """Fills a body; each different template once."""

    def __init__(self, values: Mapping[str, Any]) -> None:
        self._values = values
        self._texts: dict[str, str] = {}

    def of(self, part: Any) -> Any:
        """Returns a part of the body, filled; a value used several times is shared, not copied."""
        match part:
            case str():
                return self._text(part)
            case dict():
                return {name: self.of(value) for name, value in part.items()}
            case list():
                return [self.of(value) for value in part]
            case _:
                return part

    def _text(self, text: str) -> Any:
        if whole := _ONE_VALUE.fullmatch(text):
            return _value(whole[1], self._values)
        if _is_template(text) and text not in self._texts:
            self._texts[text] = templates.fill("body", text, self._values, blocks=False)
            if sum(len(filled.encode()) for filled in self._texts.values()) > LONGEST_BYTES:
                raise _too_long()
        return self._texts.get(text, text)


def _is_template(text: str) -> bool:
    """Whether a text is more than a single value that takes its place."""
    return templates.has_syntax(text, blocks=False) and _ONE_VALUE.fullmatch(text) is None


def _texts(body: Any) -> Iterator[str]:
    """Every text in a body but the names of members."""
    match body:
        case str():
            yield body
        case dict():
            for value in body.values():
                yield from _texts(value)
        case list():
            for value in body:
                yield from _texts(value)


def _value(path: str, values: Mapping[str, Any]) -> Any:
    """Returns the value at a path, with its own type; a number in the path is a place in a list."""
    found: Any = values
    for name in path.split("."):
        if isinstance(found, Mapping) and name in found:
            found = found[name]
        elif isinstance(found, list) and _POSITION.fullmatch(name) and int(name) < len(found):
            found = found[int(name)]
        else:
            raise PermanentFailure(f"The body of the request asks for {path}, which the job's data does not have.")
    return found


def _as_json(filled: Any) -> Iterator[str]:
    """Yields JSON piece by piece: as one text, a value used in many places could fill the memory."""
    return _JSON.iterencode(filled)


def _joined(pieces: Iterator[str] | list[str]) -> bytes:
    made = bytearray()
    for piece in pieces:
        made += piece.encode("utf-8", "replace")
        if len(made) > LONGEST_BYTES:
            raise _too_long()
    return bytes(made)


def _too_long() -> PermanentFailure:
    return PermanentFailure(
        f"The body of the request grows beyond {LONGEST_BYTES} bytes when it is filled; put less into it."
    )
