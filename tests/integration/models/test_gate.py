"""The gate of pauses, which PostgreSQL takes with BEGIN."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest

from core.errors import DatabaseUnavailable
from models import database
from models import postgresql as postgresql_database
from models.pauses import GATE, Gate
from models.postgresql import Postgresql
from models.tables import db

HELD = """
    SELECT mode FROM pg_locks JOIN pg_database d ON d.oid = database AND d.datname = CURRENT_DATABASE()
    WHERE locktype = 'advisory' AND objid = %s AND granted
"""  # the server has the databases of other tests, too


@pytest.fixture
def other(postgresql: str) -> Iterator[Any]:
    """A second session, which sees what the first one holds."""
    session = Postgresql(postgresql, "other")
    yield session
    session.close()


def held(session: Any) -> list[str]:
    return [mode for (mode,) in session.execute_sql(HELD, (GATE,)).fetchall()]


@pytest.mark.parametrize(("gate", "mode"), [(Gate.SHARED, "ShareLock"), (Gate.CLOSED, "ExclusiveLock")])
def test_the_gate_is_held_until_the_outermost_transaction_ends(other: Any, gate: Gate, mode: str) -> None:
    with database.transaction(gate.value):
        assert held(other) == [mode]
    with database.transaction():
        with database.transaction(gate.value):
            pass
        assert held(other) == [mode]
    assert held(other) == []


def test_a_gate_that_stays_closed_is_waited_for_once_and_leaves_a_connection_that_works(
    other: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(postgresql_database.TIME_OUTS, "lock_timeout", "50ms")
    begun: list[str | None] = []
    begin = db.obj.begin

    def note(isolation: str, gate: str | None, *more: bool) -> None:
        begun.append(gate)
        begin(isolation, gate, *more)

    monkeypatch.setattr(db.obj, "begin", note)
    with other.atomic():
        other.execute_sql(Gate.CLOSED.value)
        with pytest.raises(DatabaseUnavailable), database.transaction(Gate.SHARED.value):
            pytest.fail("The gate is closed.")
    assert begun == [Gate.SHARED.value]
    with database.transaction(Gate.SHARED.value):
        assert held(other) == ["ShareLock"]
