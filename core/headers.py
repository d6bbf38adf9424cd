"""Rules for the headers that a caller adds to a request; some are Carillon's own."""

from __future__ import annotations

import functools
import re

_OF_CONNECTIONS = frozenset(
    {"host", "content-length", "transfer-encoding", "connection", "te", "trailer", "upgrade", "expect", "proxy"}
)
_OUR_PREFIXES = ("webhook-", "x-carillon-")
_TOKEN = re.compile(r"[!#$%&'*+.^_`|~0-9A-Za-z-]+")  # RFC 9110, section 5.6.2
_FIELD_VALUE = re.compile(r"[\t\x20-\x7e\x80-\xff]*")  # RFC 9110, section 5.5
_TAKEN = "is set by Carillon itself; leave it out."


def fault_of_name(name: str) -> str | None:
    """Returns what is wrong with the name of a header that a caller gives, or None."""
    read = _as_read(name)
    ours = read == "idempotency-key" or read.startswith(_OUR_PREFIXES)
    return _TAKEN if ours else fault_of_any_name(name)


@functools.lru_cache(1024)  # each callback has the same ones
def fault_of_any_name(name: str) -> str | None:
    """Returns what is wrong with a header's name, whoever sets it, or None."""
    if _TOKEN.fullmatch(name) is None:
        return "is no header's name; write letters, digits and hyphens."
    read = _as_read(name)
    of_connections = read in _OF_CONNECTIONS or read.startswith("proxy-")
    return _TAKEN if of_connections else None


def fault_of_value(value: str) -> str | None:
    """Returns what is wrong with a header's value, or None. The value is not repeated: it may be a secret."""
    if _FIELD_VALUE.fullmatch(value) is None:
        return "holds a line break or a character that a header cannot carry; remove it."
    return None if value == value.strip() else "has a space at an end; remove it."


def _as_read(name: str) -> str:
    """Returns a name as a receiver may read it: CGI and WSGI take webhook_id for webhook-id."""
    return name.lower().replace("_", "-")
