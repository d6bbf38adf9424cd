"""The statements that every run needs, and those that applications use most. Each returns frozen rows.

The former create, make due, pick, start, lock for the end, and end: on PostgreSQL most are functions
(`migrations/functions/`), on SQLite statements here. The latter read the owner of a job, and its status. They build no
peewee models, which alone took more than half of a worker's processor time.
"""

from __future__ import annotations

from types import ModuleType

from models.database import is_sqlite
from models.hot import postgresql, sqlite


def of_database() -> ModuleType:
    """Returns the statements of the database that is connected."""
    return sqlite if is_sqlite() else postgresql
