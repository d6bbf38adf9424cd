"""Hides secrets in what is shown: those that a request was filled with, those in plain in headers and addresses."""

from __future__ import annotations

import functools
import html
import json
import re
from collections.abc import Iterable, Mapping
from typing import Any
from urllib.parse import quote, quote_plus, unquote

MASK = "***"

_SECRETIVE = re.compile(
    r"auth(?!ority|ors?\b)|token|secret|(?<!idempotency[-_])key$|passw|cookie|credential|signature|^sig$|session",
    re.IGNORECASE,
)
_USERINFO = re.compile(r"(?<=://)[^/?#@\s]+@")
_PARAMETER = re.compile(r"""(?<=[?&#])([^=?&#\s"'<>]+)=([^&#\s"'<>]+)""")
_REFERENCES = re.compile(r"(?:(?:Bearer|Basic|Token|ApiKey) )?(?:\{\{ *secret\.\w+ *\}\}[:;, ]*)+", re.IGNORECASE)


class Mask:
    """Hides these secrets wherever they stand, in the spellings that a receiver may give them back in."""

    def __init__(self, secrets: Iterable[str]) -> None:
        spelled = {spelling for secret in secrets for spelling in _spellings(secret)}
        encoded = {data for spelling in spelled for data in _encoded(spelling)}
        # The longest first, for one may begin another.
        self._texts = re.compile("|".join(map(re.escape, sorted(spelled, key=len, reverse=True))))
        self._bytes = re.compile(b"|".join(map(re.escape, sorted(encoded, key=len, reverse=True))))
        self.is_empty = not spelled  # hides nothing

    def text(self, text: str) -> str:
        """Returns a text without the secrets."""
        return text if self.is_empty else self._texts.sub(MASK, text)

    def bytes(self, data: bytes) -> bytes:
        """Returns bytes without the secrets."""
        return data if self.is_empty else self._bytes.sub(MASK.encode(), data)


def is_secretive(header: str, value: str) -> bool:
    """Whether a header carries a secret in plain: by its name it does, and its value is more than references."""
    return _names_secret(header) and _REFERENCES.fullmatch(value) is None


@functools.lru_cache(maxsize=1_024)
def _names_secret(header: str) -> bool:
    return _SECRETIVE.search(header) is not None


def is_mask(header: str, value: str) -> bool:
    """Whether a header's value is what is shown in place of it."""
    return value == MASK and is_secretive(header, value)


def fault_of_mask(header: str) -> str:
    """Returns what is wrong with a header that has a mask for its value, where nothing is stored behind it."""
    return f"has the header {header} as it is shown; give its value, or name a secret as in {{{{secret.NAME}}}}."


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


def _parameter(found: re.Match[str]) -> str:
    name, value = found.groups()
    return f"{name}={MASK}" if is_secretive(unquote(name), value) else found.group()


def restored(headers: Mapping[str, Any], stored: Mapping[str, Any]) -> dict[str, Any]:
    """Returns headers that come back as they were shown with what they stand for."""
    former = {name.lower(): value for name, value in stored.items()}
    return {name: former.get(name.lower(), value) if is_mask(name, value) else value for name, value in headers.items()}


def _spellings(secret: str) -> set[str]:
    """A secret as it may come back: as it is, in JSON, in JSON that is a text in JSON, in a URL, in HTML."""
    in_json = _in_json(secret)
    twice = {text for once in in_json for text in _in_json(once)}
    return {secret, *in_json, *twice, quote(secret, safe=""), quote(secret), quote_plus(secret), html.escape(secret)}


def _in_json(text: str) -> set[str]:
    return {json.dumps(text, ensure_ascii=ascii_alone)[1:-1] for ascii_alone in (True, False)}


def _encoded(spelling: str) -> set[bytes]:
    """A text as bytes: in UTF-8, and as headers carry it."""
    in_headers = {spelling.encode("iso-8859-1")} if max(spelling) <= "\xff" else set()
    return {spelling.encode(), *in_headers}
