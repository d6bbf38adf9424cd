"""Hides secrets in shown values: those that a request was filled with, and those in headers and addresses."""

from __future__ import annotations

import functools
import html
import json
import re
from collections.abc import Iterable, Mapping
from typing import Any
from urllib.parse import quote, quote_plus, unquote

MASK = "***"
LONGEST_KEPT_NAME = 200  # of headers, whose names are looked at once and then known
SHORTEST_SECRET = 8  # characters, of what is given in plain

_EACH_BYTE = "iso-8859-1"  # makes one character of each byte
_NO_BYTE = "\u0100"

_SECRETIVE = re.compile(
    r"auth(?!ority|ors?\b)|token|secret|(?<!idempotency[-_])key$|passw|cookie|credential|signature|^sig$|session",
    re.IGNORECASE,
)
_USERINFO = re.compile(r"(?<=://)[^/?#@\s]+@")
_PARAMETER = re.compile(r"""(?<=[?&#])([^=?&#\s"'<>]+)=([^&#\s"'<>]+)""")
_REFERENCES = re.compile(r"(?:(?:Bearer|Basic|Token|ApiKey) )?(?:\{\{ *secret\.\w+ *\}\}[:;, ]*)+", re.IGNORECASE)


class Mask:
    """Hides these secrets wherever they occur, in all spellings in which a receiver may return them."""

    def __init__(self, secrets: Iterable[str]) -> None:
        spelled = {spelling for secret in secrets for spelling in _spellings(secret)}
        self._texts = _longest_first(map(_in_utf_8, spelled))
        self._bytes = _longest_first(data for spelling in spelled for data in _encoded(spelling))
        self.is_empty = not spelled  # hides nothing

    def text(self, text: str) -> str:
        """Returns a text without the secrets."""
        if self.is_empty:
            return text
        return _without(self._texts, _in_utf_8(text)).decode("utf-8", "surrogatepass")

    def bytes(self, data: bytes) -> bytes:
        """Returns bytes without the secrets."""
        return data if self.is_empty else _without(self._bytes, data)


def _without(secrets: list[str], data: bytes) -> bytes:
    """Returns bytes without these secrets, one after the other.

    One regex with all of them as alternatives could take as many steps at each byte as the secrets are long. The
    placeholder used meanwhile is not a byte, so that no secret is found in it.
    """
    rest = data.decode(_EACH_BYTE)
    for secret in secrets:
        rest = rest.replace(secret, _NO_BYTE)
    return rest.replace(_NO_BYTE, MASK).encode(_EACH_BYTE)


def _longest_first(secrets: Iterable[bytes]) -> list[str]:
    """Returns secrets in the order in which to hide them: one may be the beginning of another."""
    return [data.decode(_EACH_BYTE) for data in sorted(set(secrets), key=len, reverse=True)]


def _in_utf_8(text: str) -> bytes:
    return text.encode("utf-8", "surrogatepass")


def is_secretive(header: str, value: str) -> bool:
    """Whether a header has a plain secret: its name suggests one, and its value is more than references."""
    names_secret = _names_secret if len(header) <= LONGEST_KEPT_NAME else _names_secret.__wrapped__
    return names_secret(header) and _REFERENCES.fullmatch(value) is None


@functools.lru_cache(maxsize=1_024)
def _names_secret(header: str) -> bool:
    return _SECRETIVE.search(header) is not None


def is_mask(header: str, value: str) -> bool:
    """Whether a header's value is the mask that is shown in its place."""
    return value == MASK and is_secretive(header, value)


def fault_of_mask(header: str) -> str:
    """Returns what is wrong with a header whose value is a mask although no value is stored for it."""
    return f"has a mask as its header {header}; give the value, or name a secret as in {{{{secret.NAME}}}}."


def masked(headers: Mapping[str, Any]) -> dict[str, Any]:
    """Returns headers as they are shown."""
    return {
        name: MASK if isinstance(value, str) and is_secretive(name, value) else value for name, value in headers.items()
    }


def addresses(text: str) -> str:
    """Returns a text with the secrets of its addresses hidden: user and password, and parameters named like secrets."""
    if "@" in text:
        text = _USERINFO.sub(f"{MASK}@", text)
    return _PARAMETER.sub(_parameter, text) if "=" in text else text


def fault_of_address(url: str) -> str | None:
    """Returns what is wrong with an address that has a mask for a parameter, as it is shown, or None."""
    parameters: list[tuple[str, str]] = _PARAMETER.findall(url) if MASK in url else []
    if any(value == MASK and is_secretive(unquote(name), value) for name, value in parameters):
        return f"has {MASK} where it is shown without a secret; give the whole address."
    return None


def _parameter(found: re.Match[str]) -> str:
    name, value = found.groups()
    return f"{name}={MASK}" if is_secretive(unquote(name), value) else found.group()


def plain_secrets(headers: Mapping[str, str], url: str) -> set[str]:
    """Returns the values of secretive headers, also without their scheme, and of secretive parameters of a URL.

    Short ones are left out: other texts may well contain them.
    """
    of_headers = [value for name, value in headers.items() if is_secretive(name, value)]
    of_url = [value for name, value in _PARAMETER.findall(url) if is_secretive(unquote(name), value)]
    without_scheme = [value.partition(" ")[2].strip() for value in of_headers]
    found = {*of_headers, *without_scheme, *of_url, *map(unquote, of_url)}
    return {value for value in found if len(value) >= SHORTEST_SECRET}


def restored(headers: Mapping[str, Any], stored: Mapping[str, Any]) -> dict[str, Any]:
    """Returns headers in which masks, sent back as they were shown, are replaced by the stored values."""
    former = {name.lower(): value for name, value in stored.items()}
    return {name: former.get(name.lower(), value) if is_mask(name, value) else value for name, value in headers.items()}


def _spellings(secret: str) -> set[str]:
    """The forms in which a secret may be returned: as it is, in JSON, in JSON within a JSON text, in a URL, in HTML."""
    in_json = _in_json(secret)
    twice = {text for once in in_json for text in _in_json(once)}
    return {secret, *in_json, *twice, quote(secret, safe=""), quote(secret), quote_plus(secret), html.escape(secret)}


def _in_json(text: str) -> set[str]:
    return {json.dumps(text, ensure_ascii=ascii_alone)[1:-1] for ascii_alone in (True, False)}


def _encoded(spelling: str) -> set[bytes]:
    """A text as bytes: in UTF-8, and as headers carry it."""
    in_headers = {spelling.encode("iso-8859-1")} if max(spelling) <= "\xff" else set()
    return {spelling.encode(), *in_headers}


NOTHING_HIDDEN = Mask(())
