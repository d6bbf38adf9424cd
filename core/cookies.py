"""Cookies of a request, read in time that grows with their length alone.

The standard library's parser, which Falcon uses, takes the square of it for an escaped value before Python 3.11.10
(CVE-2024-7592).
"""

from __future__ import annotations


def value(header: str | None, name: str) -> str | None:
    """Returns the first value of this name in a Cookie header, or None if it has none.

    Quotes around a value are left out, as a time zone has them (`"Europe/Berlin"`). Nothing within is unescaped: no
    cookie of ours has anything to escape.
    """
    for pair in (header or "").split(";"):
        given, _, text = pair.partition("=")
        if given.strip() == name:
            return _without_quotes(text.strip())
    return None


def _without_quotes(text: str) -> str:
    is_quoted = len(text) > 1 and text[0] == text[-1] == '"'
    return text[1:-1] if is_quoted else text
