"""References to secrets: `{{secret.NAME}}` in a request; the value is filled in on sending, and stored nowhere."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from typing import Any
from urllib.parse import quote, urlsplit

ROOT = "secret"
_NAME = re.compile(r"[A-Za-z_][A-Za-z0-9_]{0,99}")
_REFERENCE = re.compile(rf"\{{\{{ *{ROOT}\.({_NAME.pattern}) *\}}\}}")
_MENTION = re.compile(rf"(?<![\w.\"']){ROOT}\b")
_HOW = "{{secret.NAME}}"


def fault_of_name(name: str) -> str | None:
    """Returns what is wrong with a secret's name, or None."""
    if _NAME.fullmatch(name):
        return None
    return "is no secret's name; write 1 to 100 letters, digits and underscores, no digit first."


def fault_of_text(text: str) -> str | None:
    """Returns what is wrong with how a text names secrets, or None.

    A secret can only be sent unchanged, so that it is recognised and masked wherever an answer repeats it.
    """
    for braces in _in_braces(text):
        if _MENTION.search(braces) and _REFERENCE.fullmatch(braces) is None:
            return f"uses a secret otherwise than as {_HOW}; write just that, with a name of letters and digits."
    return None


def fault_of_url(url: str) -> str | None:
    """Returns what is wrong with how a URL names secrets, or None: the receiver itself is never secret."""
    if _REFERENCE.search(url) and "{{" in urlsplit(url).netloc:
        return f"has {_HOW} in its host; write the host itself; secrets may stand in the path or the query."
    return fault_of_text(url)


def is_reference(text: str) -> bool:
    """Whether a text is one reference and nothing else."""
    return _REFERENCE.fullmatch(text) is not None


def names_in(value: Any) -> set[str]:
    """Returns the names of all secrets that the texts of a JSON value ask for."""
    return {name for text in _texts(value) for name in _REFERENCE.findall(text)}


def filled(text: str, secrets: Mapping[str, str]) -> str:
    """Returns a text with its secrets in it."""
    return _REFERENCE.sub(lambda found: secrets[found[1]], text)


def filled_url(url: str, secrets: Mapping[str, str]) -> str:
    """Returns a URL with its secrets filled in, percent-encoded, so that they cannot change other parts of the URL."""
    return _REFERENCE.sub(lambda found: quote(secrets[found[1]], safe=""), url)


def _in_braces(text: str) -> Iterator[str]:
    """Yields each part from `{{` to the next `}}` in one pass over the text, which a regex would not guarantee."""
    begin = text.find("{{")
    while begin >= 0 and (end := text.find("}}", begin + 2)) >= 0:
        yield text[begin : end + 2]
        begin = text.find("{{", end + 2)


def _texts(value: Any) -> Iterator[str]:
    match value:
        case str():
            yield value
        case dict():
            for member in value.values():
                yield from _texts(member)
        case list():
            for member in value:
                yield from _texts(member)
