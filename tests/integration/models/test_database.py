"""The connection to the database: what happens when the server is slow, gone, or says no."""

from __future__ import annotations

import time
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from core.errors import DatabaseUnavailable
from models import database, signals, statement_timeout
from models.pauses import Gate
from models.postgresql import TIME_OUTS, Postgresql
from models.tables import db
from tests.waiting import until

NOON = datetime(2026, 11, 20, 12, 0, tzinfo=UTC)


def test_an_answer_that_does_not_come_is_not_waited_for(postgresql: str, monkeypatch: pytest.MonkeyPatch) -> None:
    began = time.monotonic()
    with monkeypatch.context() as patch:
        patch.setattr(statement_timeout, "LIMIT_SECONDS", 0.2)
        with pytest.raises(DatabaseUnavailable, match="no answer"), database.reading():
            db.execute_sql("SELECT pg_sleep(50)")
    assert time.monotonic() - began < 50, "it was waited for after all"
    with database.reading():
        assert signals.seen() == {}


def test_a_single_read_that_was_waited_for_is_not_asked_again(
    postgresql: str, other: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    asked = "SELECT COUNT(*) FROM pg_stat_activity WHERE query LIKE %s AND datname = current_database()"
    with monkeypatch.context() as patch:
        patch.setattr(statement_timeout, "LIMIT_SECONDS", 0.2)
        with pytest.raises(DatabaseUnavailable, match="no answer"):
            database.rows("SELECT pg_sleep(49)")
    until(lambda: other.execute_sql(asked, ("%pg_sleep(49)",)).fetchone() == (1,), "one session to sleep")


def test_a_migration_is_waited_for_as_long_as_it_takes(postgresql: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(statement_timeout, "LIMIT_SECONDS", 0.1)
    with statement_timeout.unlimited(), database.reading():
        db.execute_sql("SELECT pg_sleep(0.3)")


WARNS_AT_COMMIT = """
    CREATE FUNCTION warn() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN
        RAISE WARNING 'canceling wait for synchronous replication due to user request';
        RETURN NULL;
    END $$;
    CREATE CONSTRAINT TRIGGER warn AFTER INSERT ON signals DEFERRABLE INITIALLY DEFERRED
        FOR EACH ROW EXECUTE FUNCTION warn()
"""


def _mark_and_ring(rung: list[str]) -> None:
    with database.transaction():
        database.after_commit(lambda: rung.append("after a commit that is known"))
        signals.mark("tick", NOON)


def test_a_commit_that_a_standby_may_not_have_is_an_unknown_outcome(postgresql: str) -> None:
    rung: list[str] = []
    try:
        db.execute_sql(WARNS_AT_COMMIT)
        with pytest.raises(DatabaseUnavailable, match="synchronous replication"):
            _mark_and_ring(rung)
    finally:
        db.execute_sql("DROP FUNCTION IF EXISTS warn CASCADE")
    assert rung == []
    with database.reading():
        assert signals.seen() == {"tick": NOON}


@pytest.fixture
def other(postgresql: str) -> Iterator[Any]:
    """A second session, to end the first one with."""
    session = Postgresql(postgresql, "other")
    yield session
    session.close()


def mark_and_fail(depth: int = 0) -> None:
    """Write in a transaction, within another one if asked, then fail."""
    with database.transaction():
        if depth:
            with database.transaction():
                signals.mark("tick", NOON)
        else:
            signals.mark("tick", NOON)
        raise ZeroDivisionError


def mark_and_be_cut_off(other: Any) -> None:
    """Write in a transaction whose connection is ended halfway."""
    with database.transaction():
        signals.mark("tick", NOON)
        (pid,) = db.execute_sql("SELECT pg_backend_pid()").fetchone()
        other.execute_sql("SELECT pg_terminate_backend(%s, 5000)", (pid,))
        signals.mark("beat", NOON)


def test_a_connection_that_the_server_closed_is_replaced_in_silence(postgresql: str, other: Any) -> None:
    with database.reading():
        (pid,) = db.execute_sql("SELECT pg_backend_pid()").fetchone()
    other.execute_sql("SELECT pg_terminate_backend(%s, 5000)", (pid,))
    with database.transaction():
        signals.mark("tick", NOON)
    with database.reading():
        assert signals.seen() == {"tick": NOON}


def test_a_single_read_replaces_a_connection_that_the_server_closed(postgresql: str, other: Any) -> None:
    [(pid,)] = database.rows("SELECT pg_backend_pid()")
    other.execute_sql("SELECT pg_terminate_backend(%s, 5000)", (pid,))
    [(another,)] = database.rows("SELECT pg_backend_pid()")
    assert another != pid


def test_a_read_within_a_transaction_that_is_cut_off_is_not_repeated(postgresql: str, other: Any) -> None:
    with pytest.raises(DatabaseUnavailable):
        _read_and_be_cut_off(other)


def _read_and_be_cut_off(other: Any) -> None:
    with database.reading():
        [(pid,)] = database.rows("SELECT pg_backend_pid()")
        other.execute_sql("SELECT pg_terminate_backend(%s, 5000)", (pid,))
        database.rows("SELECT 1")


def test_the_time_outs_hold_for_a_single_read_and_for_nothing_after_it(postgresql: str) -> None:
    text = "SELECT current_setting('statement_timeout')"
    before = db.execute_sql(text).fetchone()
    assert database.rows(text) == [(TIME_OUTS["statement_timeout"],)]
    assert db.execute_sql(text).fetchone() == before != (TIME_OUTS["statement_timeout"],)


def test_a_connection_lost_amid_a_transaction_is_an_error_and_nothing_of_it_is_kept(
    postgresql: str, other: Any
) -> None:
    with pytest.raises(DatabaseUnavailable):
        mark_and_be_cut_off(other)
    with database.reading():
        assert signals.seen() == {}


@pytest.mark.parametrize("depth", [0, 1])
def test_an_error_in_the_block_undoes_all_of_it_also_what_a_transaction_within_it_did(store: str, depth: int) -> None:
    with pytest.raises(ZeroDivisionError):
        mark_and_fail(depth)
    with database.reading():
        assert signals.seen() == {}


def test_the_offset_of_a_database_on_this_machine_is_next_to_nothing(store: str) -> None:
    offset, doubt = database.clock_offset()
    assert abs(offset) <= doubt + timedelta(milliseconds=1)


def test_what_follows_a_commit_waits_for_the_outermost_transaction(store: str) -> None:
    done: list[str] = []
    with database.transaction():
        database.after_commit(lambda: done.append("first"))
        with database.transaction():
            database.after_commit(lambda: done.append("second"))
        assert done == []
    assert done == ["first", "second"]
    database.after_commit(lambda: done.append("at once"))
    assert done[-1] == "at once"


def follow_and_fail(done: list[str]) -> None:
    database.after_commit(lambda: done.append("failed"))
    raise DatabaseUnavailable("gone")


def _follow_and_go_wrong(done: list[str]) -> None:
    database.after_commit(lambda: done.append("failed"))
    raise ValueError("wrong")


def test_what_would_follow_a_part_that_fails_by_itself_is_forgotten_with_it(store: str) -> None:
    done: list[str] = []
    with database.transaction():
        assert database.attempt(lambda: database.after_commit(lambda: done.append("kept"))) is None
        assert isinstance(database.attempt(lambda: _follow_and_go_wrong(done)), ValueError)
    assert done == ["kept"]


def test_what_was_counted_is_undone_with_the_part_or_the_transaction_that_is_rolled_back(store: str) -> None:
    undone: list[str] = []

    def count_and_go_wrong() -> None:
        database.or_undo(lambda: undone.append("part"))
        raise ValueError("wrong")

    with database.transaction():
        database.or_undo(lambda: undone.append("committed"))
        assert isinstance(database.attempt(count_and_go_wrong), ValueError)
        assert undone == ["part"]
    assert undone == ["part"]
    with database.rolled_back():
        database.or_undo(lambda: undone.append("whole"))
        with database.transaction():
            database.or_undo(lambda: undone.append("within"))
        assert undone == ["part"]
    assert undone == ["part", "within", "whole"], "the last one first, as one may have changed what another left"
    database.or_undo(lambda: undone.append("outside"))
    assert undone == ["part", "within", "whole"]


def test_what_would_follow_a_commit_is_forgotten_with_what_is_taken_back(store: str) -> None:
    done: list[str] = []
    with database.transaction():
        database.after_commit(lambda: done.append("kept"))
        with database.rolled_back():
            database.after_commit(lambda: done.append("taken back"))
    with database.rolled_back():
        database.after_commit(lambda: done.append("taken back"))
    with pytest.raises(DatabaseUnavailable), database.transaction():
        follow_and_fail(done)
    assert done == ["kept"]


def waits_for_disk() -> bool:
    return bool(db.execute_sql("SHOW synchronous_commit").fetchone() == ("on",))


def test_a_commit_of_what_is_done_again_if_lost_is_not_waited_for_and_the_next_one_is(postgresql: str) -> None:
    db.execute_sql("SET synchronous_commit = on")  # the server of the tests has it off
    with database.transaction(Gate.SHARED.value, asynchronous_commit=True):
        assert not waits_for_disk()
    assert waits_for_disk()


def test_a_commit_is_waited_for_whatever_is_done_within_it(postgresql: str) -> None:
    db.execute_sql("SET synchronous_commit = on")
    with database.transaction():
        with database.transaction(asynchronous_commit=True):
            pass
        assert waits_for_disk()
