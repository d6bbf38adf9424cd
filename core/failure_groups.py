"""Groups failures that are alike: the same kind of task of one app, calling the same host, for the same reason."""

from __future__ import annotations

import re

VARIES = "…"
"""What stands for an id or a number."""
UNKNOWN = "no reason is known"
NO_HOST = "-"
"""Stands for the host of tasks that call none; no host has this name."""
_VARYING = re.compile(r"[0-9a-f]{8}-[0-9a-f-]{27}|\d+(?:[.,:]\d+)*")

# A receiver that gives no answer in time meets one of two limits, of the call or of the run, by chance.
_SAME = {f"The receiver was silent for {VARIES} seconds.": f"It took longer than its limit of {VARIES} s."}


def reason(error_type: str | None, message: str | None) -> str:
    """Returns a failure's reason without the parts that differ between failures: ids, numbers, line ends.

    Texts with the same cause have the same reason.
    """
    text = message or error_type or UNKNOWN
    found = _VARYING.sub(VARIES, text.replace("\r\n", "\n").replace("\r", "\n"))
    return _SAME.get(found, found)


def reason_of(text: str) -> str:
    """Returns the reason that a text asks for: a reason as it is, or the message of one failure, with its numbers."""
    return reason(None, text)


def spellings(of: str) -> list[str]:
    """Returns the texts that have this reason, which is the first of them."""
    return [of, *(text for text, same in _SAME.items() if same == of)]
