"""Commits that are not answered."""

from __future__ import annotations

import pytest

from models import driver_errors
from models.tables import db


def fail_at_commit(monkeypatch: pytest.MonkeyPatch, *, after: bool) -> None:
    """Lose the next answer to a COMMIT, before it takes effect or after."""
    commit = db.obj.commit

    def lose() -> None:
        monkeypatch.undo()
        if after:
            commit()
        else:
            db.obj.rollback()
        raise driver_errors.AWAY[0]("the connection is gone")

    monkeypatch.setattr(db.obj, "commit", lose)
