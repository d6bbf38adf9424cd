"""The statements that every run executes: create, pick, start, lock for the end, end. Each returns frozen rows.

On PostgreSQL they are functions (`migrations/functions/`), on SQLite statements here. They build no peewee models:
that alone took more than half of a worker's processor time.
"""

from __future__ import annotations

from types import ModuleType

from models.database import is_sqlite
from models.hot import postgresql, sqlite


def of_database() -> ModuleType:
    """Returns the statements of the database that is connected."""
    return sqlite if is_sqlite() else postgresql
