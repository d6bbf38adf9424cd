"""Rows that are changed behind the back of Carillon."""

from __future__ import annotations

from models import database
from models.tables import db


def write(statement: str, *values: str) -> None:
    mark = "?" if database.is_sqlite() else "%s"
    with database.transaction():
        ids = [one.replace("-", "") if database.is_sqlite() and len(one) == 36 else one for one in values]
        changed = db.execute_sql(statement.format(*[mark] * len(values)), tuple(ids))
        assert changed.rowcount == 1
