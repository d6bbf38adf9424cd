"""Column types of our own, for values that PostgreSQL and SQLite must hold in the same way."""

from __future__ import annotations

import json
import uuid
from datetime import UTC, datetime, timedelta
from enum import StrEnum
from typing import Any

import peewee
import structlog
import uuid_utils.compat

from core import storable

_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_BITS_AFTER_INSTANT = 80
_MAX_MILLISECONDS = 2**48 - 1
_MAX_OPENED = 200  # brackets in a JSON text that cannot nest too deeply
log = structlog.get_logger()
_SQLITE_INSTANT = "%Y-%m-%dT%H:%M:%S.%fZ"


class InstantField(peewee.Field):
    """An aware UTC instant: TIMESTAMPTZ in PostgreSQL, fixed-width UTC text (which sorts by time) in SQLite."""

    field_type = "TIMESTAMPTZ"

    def db_value(self, value: datetime | None) -> datetime | str | None:
        if value is None:
            return None
        return sqlite_text(value) if _on_sqlite(self) else value.astimezone(UTC)

    def python_value(self, value: datetime | str | None) -> datetime | None:
        return sqlite_instant(value) if isinstance(value, str) or value is None else value.astimezone(UTC)


class JsonField(peewee.TextField):
    """A JSON value stored as text: both databases return exactly what was stored, key order included.

    A row can be read even if its stored value is not JSON, or cannot be shown.
    """

    def db_value(self, value: Any) -> str | None:
        return None if value is None else json_text(value)

    def python_value(self, value: str | None) -> Any:
        return read_json(value, self.column_name)


class WordsField(peewee.TextField):
    """Text from outside (a server, a program, an exception); characters that a database cannot store are replaced."""

    def adapt(self, value: Any) -> str:
        return storable.text(value)


class EnumField(peewee.TextField):
    """One of an enumeration's values, kept as its text."""

    def __init__(self, values: type[StrEnum], **options: Any) -> None:
        super().__init__(**options)
        self._values = values

    def python_value(self, value: str | None) -> StrEnum | None:
        return None if value is None else self._values(value)


_COMPACT = json.JSONEncoder(separators=(",", ":"))  # `json.dumps` would make one for each value


def json_text(value: Any) -> str:
    """Returns the JSON text that stands for a value."""
    return _COMPACT.encode(value)


def read_json(text: str | None, column: str) -> Any:
    """Returns the value of a JSON text; None if it is unreadable, which is logged."""
    if text is None:
        return None
    try:
        read = json.loads(text)
    except (TypeError, ValueError, RecursionError) as error:
        log.error("json_unreadable", column=column, error=str(error))  # noqa: TRY400  says all
        return None
    return storable.json_value(read).value if _may_not_be_shown(text) else read


def sqlite_text(instant: datetime) -> str:
    """Returns an instant as SQLite keeps it."""
    return instant.astimezone(UTC).strftime(_SQLITE_INSTANT)


def sqlite_instant(text: str | None) -> datetime | None:
    """The instant that a text of SQLite stands for."""
    return None if text is None else datetime.fromisoformat(text)


def new_id() -> uuid.UUID:
    """Returns a new UUIDv7: rows made later sort later (RFC 9562, section 5.7)."""
    return uuid_utils.compat.uuid7()


def first_id(instant: datetime, later: timedelta) -> uuid.UUID:
    """Returns the smallest id that `new_id` could make a given time after an instant."""
    milliseconds = (instant - _EPOCH + later) // timedelta(milliseconds=1)
    return uuid.UUID(int=min(max(milliseconds, 0), _MAX_MILLISECONDS) << _BITS_AFTER_INSTANT)


def _may_not_be_shown(text: str) -> bool:
    """Whether a JSON text may hold a lone surrogate or an invalid number, or nest too deeply."""
    odd = "\\ud" in text or "\\uD" in text or "NaN" in text or "Infinity" in text
    return odd or text.count("[") + text.count("{") > _MAX_OPENED


def _on_sqlite(field: peewee.Field) -> bool:
    return isinstance(field.model._meta.database.obj, peewee.SqliteDatabase)  # noqa: SLF001  peewee's own way
