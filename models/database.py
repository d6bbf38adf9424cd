"""The connection to PostgreSQL or SQLite: transactions, kept connections, and the conversion of errors to ours.

Each thread keeps one connection. A connection that the server has closed is detected at BEGIN, when nothing has
happened yet, and replaced once; a later error is raised as `DatabaseUnavailable`.
"""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator, Sequence
from contextlib import ExitStack, contextmanager, nullcontext, suppress
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import peewee

from core.database_faults import DatabaseFault
from core.errors import DatabaseUnavailable, LockTimeout, Misconfigured
from models import changes, commits, connection_url, driver_errors, postgresql, statement_timeout
from models.tables import db

_SQLITE = "sqlite:///"
_CLOCK_SAMPLES = 5
_TURN_SECONDS = 10.0


class _TakenBack(Exception):  # noqa: N818  nothing went wrong
    """Rolls back what `rolled_back` ran."""


# SQLite has one writer at a time; a lock here avoids polling SQLite's own.
_writer_turn = threading.RLock()


def connect(url: str, process_name: str) -> None:
    """Point the tables at a database. Nothing connects until it is used. Raises `Misconfigured`."""
    if faults := faults_of(url):
        raise Misconfigured("\n".join(faults))
    if url.startswith(_SQLITE):
        Path(url.removeprefix(_SQLITE)).parent.mkdir(parents=True, exist_ok=True)
        db.initialize(_sqlite(url.removeprefix(_SQLITE)))
    else:
        statement_timeout.install()
        db.initialize(postgresql.Postgresql(url, process_name))


def faults_of(url: str) -> list[str]:
    """Returns what is wrong with a database's URL, one line per fault, without the URL's values."""
    return [] if url.startswith(_SQLITE) else connection_url.faults(url)


def missing_file(url: str) -> Path | None:
    """Returns the file of a SQLite database that does not exist yet; else None."""
    file = Path(url.removeprefix(_SQLITE))
    return file if url.startswith(_SQLITE) and not file.exists() else None


def name() -> str:
    """Returns the connected database's file, or its name and the server's address, for people."""
    if is_sqlite():
        return str(db.obj.database)
    [(named, address, port)] = rows("SELECT current_database(), host(inet_server_addr()), inet_server_port()")
    return named if address is None else f"{named} at {address}:{port}"


def disconnect() -> None:
    """Close this thread's connection, if it has one."""
    with suppress(peewee.DatabaseError):
        if not db.is_closed():
            db.close()


def is_sqlite() -> bool:
    """Whether the rows are in SQLite."""
    return isinstance(db.obj, peewee.SqliteDatabase)


@contextmanager
def transaction(gate: str | None = None, *, asynchronous_commit: bool = False) -> Iterator[None]:
    """Run a block that writes in one transaction, all or nothing. Within another transaction, it is part of that one.

    PostgreSQL takes the lock of `gate`, a statement, before anything else, without a round trip of its own; SQLite has
    one writer anyway. With `asynchronous_commit` it does not wait until the commit is on disk: for what is done again
    if a crash of the server loses it (docs/decisions/0043-commits-not-waited-for.md). Raises `DatabaseUnavailable` when
    the database is unavailable or lacks resources; if that happened at the commit, it is unknown whether the commit
    took effect.
    """
    with (
        commits.collected(),
        _translated(),
        _turn() if is_sqlite() else nullcontext(),
        _opened("IMMEDIATE", postgresql.READ_COMMITTED, gate, asynchronous_commit=asynchronous_commit),
        changes.collected(),
    ):
        yield


def after_commit(act: commits.Act) -> None:
    """Call a function once the open transaction is committed: at once if none is open, never if it is rolled back."""
    commits.after(act)


def or_undo(act: commits.Act) -> None:
    """Call a function if the open transaction, or the open part of it, is rolled back, or its commit is in doubt.

    The last one given is called first.
    """
    commits.or_undo(act)


@contextmanager
def rolled_back(gate: str | None = None) -> Iterator[None]:
    """Run a block in a transaction as `transaction` does, then roll it back."""
    with suppress(_TakenBack), transaction(gate):
        yield
        raise _TakenBack


@contextmanager
def reading() -> Iterator[None]:
    """Run a block that only reads, on one snapshot. Raises `DatabaseUnavailable` when the database is unavailable.

    Within another transaction it is part of that one: it has nothing to roll back.
    """
    with _translated(), nullcontext() if db.in_transaction() else _opened("DEFERRED", postgresql.ONE_MOMENT):
        yield


def rows(text: str, parameters: Sequence[Any] = ()) -> list[tuple[Any, ...]]:
    """Returns the rows of one reading statement, which is consistent by itself and needs no transaction around it.

    Within a transaction it is part of that one. Raises `DatabaseUnavailable` when the database is unavailable.
    """
    with _translated():
        try:
            return _read(text, parameters)
        except driver_errors.AWAY as error:
            if (
                db.in_transaction()
                or is_sqlite()
                or driver_errors.has_waited(error)
                or driver_errors.is_of_the_values(error)
            ):
                raise
            _drop()  # the server may have closed the connection long ago; reading twice does no harm
            return _read(text, parameters)


def attempt(step: Callable[[], object]) -> Exception | None:
    """Run a part of a transaction that may fail by itself (a savepoint): then only this part is rolled back.

    Functions that it gave to `after_commit` are then not called. Returns its error, or None. Raises if the database is
    unavailable, which ends the transaction.
    """
    try:
        with commits.collected(), db.atomic():
            step()
    except driver_errors.AWAY as error:
        if not driver_errors.is_of_the_values(error):
            raise
        return error
    except DatabaseUnavailable:
        raise
    except Exception as error:  # noqa: BLE001  the caller logs it
        return error
    return None


def clock_offset() -> tuple[timedelta, timedelta]:
    """Returns how far the database's clock is ahead of this machine's, and the possible error; zero for SQLite.

    Uses the quickest of a few answers. Raises `DatabaseUnavailable`.
    """
    if is_sqlite():
        return timedelta(), timedelta()
    with reading():
        took, offset = min(_offset_once() for _ in range(_CLOCK_SAMPLES))
    return offset, took / 2


def for_update(query: Any, *, skip_locked: bool = False) -> Any:
    """Lock the rows a SELECT finds until the transaction ends; SQLite's writer has the whole database anyway."""
    if is_sqlite():
        return query
    return query.for_update("FOR NO KEY UPDATE SKIP LOCKED" if skip_locked else "FOR NO KEY UPDATE")


class _SqliteDatabase(peewee.SqliteDatabase):
    """Decodes invalid UTF-8 leniently: one bad row must not look like an unavailable database."""

    def _add_conn_hooks(self, conn: Any) -> None:
        super()._add_conn_hooks(conn)  # type: ignore[misc]  # peewee's stubs leave it out
        conn.text_factory = _as_far_as_it_goes


def _as_far_as_it_goes(text: bytes) -> str:
    return text.decode("utf-8", "replace")


def _sqlite(path: str) -> peewee.SqliteDatabase:
    return _SqliteDatabase(
        path,
        pragmas={"journal_mode": "wal", "synchronous": "full", "foreign_keys": 1, "busy_timeout": 10_000},
        check_same_thread=False,
    )


def _read(text: str, parameters: Sequence[Any]) -> list[tuple[Any, ...]]:
    """On PostgreSQL, the same text sets the isolation level and the timeouts that BEGIN otherwise sets."""
    alone = not db.in_transaction() and not is_sqlite()
    found: list[tuple[Any, ...]] = db.execute_sql(db.obj.alone(text) if alone else text, parameters).fetchall()
    return found


@contextmanager
def _opened(
    sqlite_lock: str, isolation: str, gate: str | None = None, *, asynchronous_commit: bool = False
) -> Iterator[None]:
    with ExitStack() as stack:
        try:
            stack.enter_context(_atomic(sqlite_lock, isolation, gate, asynchronous_commit=asynchronous_commit))
        except driver_errors.AWAY as error:
            if db.in_transaction() or is_sqlite():  # SQLite has waited for its lock already
                raise
            _drop()
            if driver_errors.has_waited(error):  # for the gate, which is no row's lock: never a `LockTimeout`
                raise _unavailable(error, DatabaseUnavailable) from error
            stack.enter_context(_atomic(sqlite_lock, isolation, gate, asynchronous_commit=asynchronous_commit))
        yield


@contextmanager
def _turn() -> Iterator[None]:
    """Take the lock for writing, if it is free in time."""
    if not _writer_turn.acquire(timeout=_TURN_SECONDS):
        message = f"Other transactions have kept the database locked for {_TURN_SECONDS:g} s; try again."
        raise DatabaseUnavailable(message, DatabaseFault.TOO_SLOW)
    try:
        yield
    finally:
        _writer_turn.release()


def _offset_once() -> tuple[timedelta, timedelta]:
    """Returns how long a query took, and the offset it showed, which is wrong by at most half of that time."""
    before = datetime.now(UTC)
    server: datetime = db.execute_sql("SELECT clock_timestamp()").fetchone()[0]
    took = datetime.now(UTC) - before
    return took, server - (before + took / 2)


@contextmanager
def _atomic(sqlite_lock: str, isolation: str, gate: str | None, *, asynchronous_commit: bool) -> Iterator[None]:
    if is_sqlite():
        with db.atomic(sqlite_lock):
            yield
        return
    is_within = db.in_transaction()
    with db.atomic(isolation, gate, asynchronous_commit):
        if is_within and gate is not None:
            db.execute_sql(gate)
        yield


@contextmanager
def _translated() -> Iterator[None]:
    try:
        yield
    except driver_errors.AWAY as error:
        if driver_errors.is_of_the_values(error):
            raise
        if not db.in_transaction() and not driver_errors.is_lock_timeout(error):  # which the rollback has dealt with
            _drop()
        is_lock_timeout = driver_errors.is_lock_timeout(driver_errors.first(error))
        raise _unavailable(error, LockTimeout if is_lock_timeout else DatabaseUnavailable) from error


def _unavailable(error: BaseException, kind: type[DatabaseUnavailable]) -> DatabaseUnavailable:
    first = driver_errors.first(error)
    line = driver_errors.first_line(first)
    return kind(f"The database did not answer as it should: {line}", driver_errors.fault(first))


def _drop() -> None:
    """Drop this thread's connection, whose state is unknown."""
    with suppress(Exception):
        if not db.is_closed():
            db.connection().close()
    db.dispose()
