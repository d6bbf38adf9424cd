"""What a URL must be to be called."""

from __future__ import annotations

import re
from urllib.parse import urlsplit

URL_LENGTH = 2_000

_CHARACTERS = re.compile(r"[\x21-\x5b\x5d-\x7e]*")  # printable ASCII without space and backslash


def fault_of(url: str) -> str | None:
    """What is wrong with a URL, or None. The words do not repeat it: it may carry a secret."""
    if _CHARACTERS.fullmatch(url) is None:
        return "holds a space, a backslash, a control character or one outside ASCII; percent-encode it."
    try:
        parts = urlsplit(url)
        port_is_wrong = parts.port == 0
    except ValueError:
        return "is not a URL; write for example https://app.example.com/hooks."
    if parts.scheme not in ("http", "https") or not parts.hostname:
        return "must begin with http:// or https:// and name a host."
    if "@" in parts.netloc:
        return "carries a user name or password; leave that out."
    return "names port 0; write one from 1 to 65535." if port_is_wrong else None
