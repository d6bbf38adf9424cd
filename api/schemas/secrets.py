"""An app's secrets as callers give them, and what they get of them."""

from __future__ import annotations

from datetime import datetime
from typing import Annotated, Any

from pydantic import PlainValidator, WithJsonSchema

from api.schemas.values import Given, Shown


def _value(value: Any) -> str:
    """A text; whatever else was sent is not repeated."""
    if not isinstance(value, str):
        raise ValueError("must be text.")  # noqa: TRY004  pydantic's way
    return value


class NewSecret(Given):
    """A secret's value, of at most 64 KiB in UTF-8; it is never shown again."""

    value: Annotated[str, PlainValidator(_value), WithJsonSchema({"type": "string", "minLength": 1, "writeOnly": True})]


class Secret(Shown):
    """An app's secret: its name and dates, never its value."""

    name: str
    created_at: datetime
    updated_at: datetime


class Secrets(Shown):
    """An app's secrets, by name."""

    results: list[Secret]
