"""The headers ETag and If-Match: what a thing is as it is shown, and as what the caller wants to change it.

The ETag of a job is its version, those of other things are made of what is shown of them (`core.etags`).
"""

from __future__ import annotations

from typing import Annotated

from falcon.asgi import Request, Response
from pydantic import BaseModel, ConfigDict, Field

from core import etags

_MAX_DIGITS = 10


class IfMatchHeader(BaseModel):
    """The change is made only if the job's ETag is one of these; `*` is any."""

    model_config = ConfigDict(frozen=True)

    if_match: Annotated[str | None, Field(alias="If-Match", examples=['"3"'])] = None


class IfMatchTagHeader(BaseModel):
    """The change is made only if what is changed exists and its ETag is one of these; `*` is any."""

    model_config = ConfigDict(frozen=True)

    if_match: Annotated[str | None, Field(alias="If-Match", examples=['"0f343b0931126a20f133d67c2b018a3b"'])] = None


def expected(req: Request) -> frozenset[int] | None:
    """Returns the versions that If-Match names; None for any. Weak tags never match, as RFC 9110 demands."""
    tags = expected_etags(req)
    if tags is None or etags.ANY in tags:
        return None
    return frozenset(int(text) for text in tags if text.isdecimal() and len(text) <= _MAX_DIGITS)


def expected_etags(req: Request) -> frozenset[str] | None:
    """Returns the ETags that If-Match names, `etags.ANY` among them for `*`; None without the header."""
    tags = req.if_match
    return None if tags is None else frozenset(str(tag) for tag in tags if not getattr(tag, "is_weak", False))


def tell_version(resp: Response, version: int) -> None:
    """Set the ETag to the version that an answer shows."""
    set_etag(resp, str(version))


def set_etag(resp: Response, etag: str) -> None:
    """Set the ETag of what an answer shows."""
    resp.etag = etag
