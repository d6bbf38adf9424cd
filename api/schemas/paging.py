"""Lists in pages: what callers may ask for, and the opaque cursor that leads on."""

from __future__ import annotations

from base64 import urlsafe_b64decode, urlsafe_b64encode
from typing import Annotated, Any
from uuid import UUID

from pydantic import BaseModel, ConfigDict, Field, PlainValidator, WithJsonSchema

from api.schemas.values import NAME_LENGTH
from core.states import JobStatus

_CURSOR_LENGTH = 22
_PADDING = "=="


def write_cursor(last: UUID) -> str:
    """A cursor that leads to what comes after this id."""
    return urlsafe_b64encode(last.bytes).decode().removesuffix(_PADDING)


def _read_cursor(text: Any) -> UUID:
    try:
        last = UUID(bytes=urlsafe_b64decode(f"{text}{_PADDING}"))
    except ValueError:
        last = None
    if last is None or write_cursor(last) != text:
        raise ValueError("is no cursor of this list; take the one in `next`, or leave it out to begin anew.")
    return last


Cursor = Annotated[
    UUID,
    PlainValidator(_read_cursor),
    WithJsonSchema({"type": "string", "minLength": _CURSOR_LENGTH, "maxLength": _CURSOR_LENGTH}),
]
Filter = Annotated[str, Field(min_length=1, max_length=NAME_LENGTH)]


class PageQuery(BaseModel):
    """Which stretch of a list is wanted."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    limit: Annotated[int, Field(ge=1, le=100)] = 50
    cursor: Cursor | None = None


class CountQuery(BaseModel):
    """How many are wanted."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    count: Annotated[int, Field(ge=1, le=100)] = 5


class JobsQuery(PageQuery):
    """Which jobs are wanted."""

    app_name: Filter | None = None
    account_id: Filter | None = None
    status: JobStatus | None = None
