"""Origins (RFC 6454): where a page in a browser comes from, as scheme, host and port."""

from __future__ import annotations

import re
from urllib.parse import urlsplit

ANY = "*"
SETTING = "CORS_ORIGINS"

_ORIGIN = re.compile(r"https?://([a-z0-9_.-]+|\[[0-9a-f:.]+\])(:[0-9]{1,5})?")
_DEFAULT_PORTS = {"http": ":80", "https": ":443"}


def listed(text: str) -> frozenset[str]:
    """Returns the origins of a comma-separated list, as browsers write them. Raises `ValueError`, with the rule."""
    words = [word for word in map(str.strip, text.split(",")) if word]
    if ANY in words and len(words) > 1:
        raise ValueError(f"names {ANY} and more; {ANY} is every origin, so write it alone, or leave it out.")
    return frozenset(map(_origin, words))


def _origin(word: str) -> str:
    origin = word.lower()
    if origin == ANY:
        return ANY
    if _ORIGIN.fullmatch(origin) is None or not _has_good_port(origin):
        raise ValueError(
            f"names {word!r}, which is no origin; write scheme, host and port alone, such as https://app.example.com."
        )
    return origin.removesuffix(_DEFAULT_PORTS[urlsplit(origin).scheme])


def _has_good_port(origin: str) -> bool:
    try:
        return urlsplit(origin).port != 0
    except ValueError:
        return False
