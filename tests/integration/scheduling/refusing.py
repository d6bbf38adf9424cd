"""A database that refuses to store what one row needs. It is SQLite, whose file the next test does not meet."""

from __future__ import annotations

from uuid import UUID

from models import database
from models.tables import db


def refuse(change: str, row_id: UUID, column: str = "id") -> None:
    """Refuse a change, such as `INSERT ON runs`, to the rows that have this id."""
    with database.transaction():
        db.execute_sql(
            f"CREATE TRIGGER refused BEFORE {change} WHEN NEW.{column} = '{row_id.hex}' "
            "BEGIN SELECT RAISE(ABORT, 'refused'); END"
        )
