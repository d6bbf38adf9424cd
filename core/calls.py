"""Which calls are kept: what was sent and answered, for those who look at an attempt later."""

from __future__ import annotations

from enum import StrEnum


class CallsKept(StrEnum):
    """The calls of which attempts are kept."""

    ALL = "all"
    FAILED = "failed"
    NONE = "none"
