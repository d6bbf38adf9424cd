"""Ports that callbacks to public addresses may go to."""

from __future__ import annotations

from collections.abc import Sequence

Ports = tuple[range, ...]

SETTING = "CALLBACK_PORTS_ALLOWED"
USUAL = "80,443,1024-65535"
"""The web's own, and those that anybody may serve at: not those of mail, remote shells and the like."""

_MOST = 65_535
_NEXT = _MOST + 1
ANY: Ports = (range(1, _NEXT),)


def listed(text: str) -> Ports:
    """Returns the ports of a comma-separated list of ports and spans. Raises `ValueError`, with the rule."""
    found = tuple(_span(word) for word in filter(None, map(str.strip, text.split(","))))
    if not found:
        raise ValueError(f"names no port; write for example {USUAL}.")
    return found


def shown(ports: Sequence[range]) -> str:
    """Returns ports as they are listed."""
    return ", ".join(f"{one.start}" if len(one) == 1 else f"{one.start}-{one.stop - 1}" for one in ports)


def _span(word: str) -> range:
    first, dash, last = word.partition("-")
    numbers = [first, last if dash else first]
    if all(one.isascii() and one.isdecimal() for one in numbers):
        found = range(int(numbers[0]), int(numbers[1]) + 1)
        if found and found.start >= 1 and found.stop <= _NEXT:
            return found
    raise ValueError(f"names {word!r}, which is no port; write ports from 1 to {_MOST} and spans, such as {USUAL}.")
