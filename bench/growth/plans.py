"""Query plans, as PostgreSQL's auto_explain tells them: of every statement of a call, those inside functions, too."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from models.tables import db

_SETTINGS = (
    "LOAD 'auto_explain'",
    "SET auto_explain.log_min_duration = 0",
    "SET auto_explain.log_analyze = on",
    "SET auto_explain.log_buffers = on",
    "SET auto_explain.log_nested_statements = on",
    "SET client_min_messages = log",
)
_OVER = "RESET auto_explain.log_min_duration"
_OVER_TOO = "RESET client_min_messages"


class _Notices(list[str]):
    """What the server tells; all of it, as psycopg2 drops the oldest of many, and a COMMIT clears the list."""

    def __init__(self) -> None:
        super().__init__()
        self.all: list[str] = []

    def append(self, told: str) -> None:
        """Note what psycopg2 was told."""
        self.all.append(told)
        super().append(told)


def of(call: Callable[[], Any]) -> list[str]:
    """Call once. Returns the plans of its statements, with their costs."""
    for setting in _SETTINGS:
        db.execute_sql(setting)
    connection = db.connection()
    connection.notices = notices = _Notices()
    try:
        call()
        return [notice.strip() for notice in notices.all if "plan:" in notice]
    finally:
        connection.notices = []
        db.execute_sql(_OVER)
        db.execute_sql(_OVER_TOO)
