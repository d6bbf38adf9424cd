"""The headers ETag and If-Match: the version a job has, and the versions in which the caller wants to change it."""

from __future__ import annotations

from typing import Annotated

from falcon.asgi import Request, Response
from pydantic import BaseModel, ConfigDict, Field

_MAX_DIGITS = 10


class IfMatchHeader(BaseModel):
    """The change is made only if the job's ETag is one of these; `*` is any."""

    model_config = ConfigDict(frozen=True)

    if_match: Annotated[str | None, Field(alias="If-Match", examples=['"3"'])] = None


def expected(req: Request) -> frozenset[int] | None:
    """Returns the versions that If-Match names; None for any. Weak tags never match, as RFC 9110 demands."""
    tags = req.if_match
    if tags is None or "*" in tags:
        return None
    versions = [str(tag) for tag in tags if not getattr(tag, "is_weak", False)]
    return frozenset(int(text) for text in versions if text.isdecimal() and len(text) <= _MAX_DIGITS)


def tell_version(resp: Response, version: int) -> None:
    """Set the ETag to the version that an answer shows."""
    resp.etag = str(version)
