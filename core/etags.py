"""ETags: who changes a thing names the ETag of what they read, and is refused if somebody has changed it since."""

from __future__ import annotations

from collections.abc import Collection
from typing import Any

from core import fingerprints
from core.errors import PreconditionFailed

ANY = "*"
_LENGTH = 32

Expected = Collection[str] | None
"""The ETags of which a thing must have one, `ANY` for that of whatever exists; None expects nothing."""


def of(value: Any) -> str:
    """Returns the ETag of a thing that is shown as this JSON value."""
    return fingerprints.of(value)[:_LENGTH]


def expect(what: str, etag: str | None, expected: Expected) -> None:
    """Raises `PreconditionFailed` if a thing has none of the expected ETags; `etag` is None if it does not exist."""
    if expected is None:
        return
    if etag is None:
        raise PreconditionFailed(f"There is no {what} that If-Match could name. Leave it out to make one.")
    if ANY not in expected and etag not in expected:
        raise PreconditionFailed(
            f"The {what} has been changed since you read it: its ETag is none of those that If-Match names. Read it "
            "again, and repeat the change."
        )
