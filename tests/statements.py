"""The statements that a database is sent."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import pytest

from models.tables import db

Statement = tuple[str, Any]  # its text, and its parameters


@contextmanager
def noted() -> Iterator[list[Statement]]:
    """Note every statement that is sent while the block runs, by whatever thread."""
    sent: list[Statement] = []
    execute = db.obj.execute_sql

    def note(sql: str, params: Any = None) -> Any:
        sent.append((sql, params))
        return execute(sql, params)

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(db.obj, "execute_sql", note)
        yield sent
