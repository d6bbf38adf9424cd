"""The statements that every run needs, and those that applications use most. Each returns frozen rows.

Those of every run create, make due, pick, start, lock for the end, and end it: on PostgreSQL most are functions
(`migrations/functions/`), on SQLite statements here. Those of applications read a job's owner, and its status. None
builds peewee models, which alone took more than half of a worker's processor time.
"""

from __future__ import annotations

from models.database import is_sqlite
from models.hot import postgresql, sqlite
from models.hot.statements import HotStatements


def of_database() -> HotStatements:
    """Returns the statements of the database that is connected."""
    return sqlite if is_sqlite() else postgresql
