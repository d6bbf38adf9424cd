"""Groups failures that are alike: the same kind of task of one app, for the same reason."""

from __future__ import annotations

import re

VARIES = "…"
"""What stands for an id or a number."""
UNKNOWN = "no reason is known"
_VARYING = re.compile(r"[0-9a-f]{8}-[0-9a-f-]{27}|\d+(?:[.,:]\d+)*")


def reason(error_type: str | None, message: str | None) -> str:
    """Returns a failure's reason without what differs from one to the next: ids, numbers, how lines end."""
    told = message or error_type or UNKNOWN
    return _VARYING.sub(VARIES, told.replace("\r\n", "\n").replace("\r", "\n"))
