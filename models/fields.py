"""Column types of our own: what PostgreSQL and SQLite must hold alike."""

from __future__ import annotations

import json
import uuid
from datetime import UTC, datetime
from enum import StrEnum
from typing import Any

import peewee
import uuid_utils.compat

_SQLITE_INSTANT = "%Y-%m-%dT%H:%M:%S.%fZ"


class InstantField(peewee.Field):
    """An aware UTC instant: TIMESTAMPTZ in PostgreSQL, fixed-width UTC text (which sorts by time) in SQLite."""

    field_type = "TIMESTAMPTZ"

    def db_value(self, value: datetime | None) -> datetime | str | None:
        if value is None:
            return None
        instant = value.astimezone(UTC)
        return instant.strftime(_SQLITE_INSTANT) if _on_sqlite(self) else instant

    def python_value(self, value: datetime | str | None) -> datetime | None:
        if isinstance(value, str):
            return datetime.strptime(value, _SQLITE_INSTANT).replace(tzinfo=UTC)
        return None if value is None else value.astimezone(UTC)


class JsonField(peewee.TextField):
    """A JSON value kept as the text it is: both databases give back just what was put in, key order included."""

    def db_value(self, value: Any) -> str | None:
        return None if value is None else json.dumps(value, separators=(",", ":"))

    def python_value(self, value: str | None) -> Any:
        return None if value is None else json.loads(value)


class EnumField(peewee.TextField):
    """One of an enumeration's values, kept as its text."""

    def __init__(self, values: type[StrEnum], **options: Any) -> None:
        super().__init__(**options)
        self._values = values

    def python_value(self, value: str | None) -> StrEnum | None:
        return None if value is None else self._values(value)


def new_id() -> uuid.UUID:
    """A new UUIDv7: rows made later sort later (RFC 9562, section 5.7)."""
    return uuid_utils.compat.uuid7()


def _on_sqlite(field: peewee.Field) -> bool:
    return isinstance(field.model._meta.database.obj, peewee.SqliteDatabase)  # noqa: SLF001  peewee's own way
