"""What every run costs: pick, start, lock for the end, end. Stable text for each database, frozen rows out of it.

On PostgreSQL these are functions (`migrations/functions/`), on SQLite statements here. No peewee model is built on the
way: that alone took more than half of a worker's processor time.
"""

from __future__ import annotations

from types import ModuleType

from models.database import is_sqlite
from models.hot import postgresql, sqlite


def of_database() -> ModuleType:
    """Returns the statements of the database that is connected."""
    return sqlite if is_sqlite() else postgresql
