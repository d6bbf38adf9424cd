"""For which attempts the call (request and answer) is stored, so that it can be shown later."""

from __future__ import annotations

from enum import StrEnum


class CallsKept(StrEnum):
    """The attempts whose calls are stored."""

    ALL = "all"
    FAILED = "failed"
    NONE = "none"
