"""Brings a database to the newest schema, one process at a time, while others go on working on it.

Each migration is a transaction of its own. It waits at most a second for the lock of a table, since all later
statements on that table queue behind it; without the lock, or after a deadlock, it is tried again.
"""

from __future__ import annotations

import ast
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import structlog
from playhouse import migrations as playhouse_migrations

from core.errors import DatabaseUnavailable
from core.surroundings import Surroundings
from models import database, statement_timeout, surroundings
from models.tables import db

# One number for all Carillon processes: whoever holds it migrates, the others wait and then find nothing to do.
_ADVISORY_LOCK = 0x43415249
_FOLDER = Path(__file__).parent
_LOCK_WAIT = "1s"
_LOCK_REFUSALS = ("55P03", "40P01")  # not to be had in time, and a deadlock
_TRIES = 60
_REST_SECONDS = 0.5
log = structlog.get_logger()


def upgrade(to: str | None = None) -> list[str]:
    """Apply every migration not applied yet, in order, up to the one named (the newest). Returns their names.

    Safe to call from many processes at once. Raises `DatabaseUnavailable` when the database is away, or its tables are
    in use without a pause, `Misconfigured` when it is none to work on.
    """
    found = surroundings.check()
    applied = list(_each_applied(found, to))
    if to is None:
        surroundings.check_rights(found)
    return applied


def pending() -> list[tuple[str, str]]:
    """Returns the name and the purpose of each migration not applied yet, in order; changes nothing.

    Raises as `upgrade` does.
    """
    surroundings.check()
    with surroundings.refusals(), database.reading():
        names = _pending(_runner(), None)
    return [(name, _purpose(_FOLDER / f"{name}.py")) for name in names]


def _each_applied(found: Surroundings | None, to: str | None) -> Iterator[str]:
    """Apply one migration after the other; yields the name of each."""
    tries = 0
    while True:
        try:
            name = _apply_next(found, to)
        except DatabaseUnavailable as error:
            tries += 1
            if tries == _TRIES or not _only_locked(error):
                raise
            log.info("migration_waits", error=str(error))
            time.sleep(_REST_SECONDS)
            continue
        if name is None:
            return
        tries = 0
        yield name


def _apply_next(found: Surroundings | None, to: str | None) -> str | None:
    """Apply the next migration, if one is left. Returns its name."""
    with surroundings.refusals(), database.transaction(), statement_timeout.unlimited(), _alone():
        runner = _runner()
        names = _pending(runner, to)
        if not names:  # a role that may not make tables can do the rest
            return None
        surroundings.check_for_migrating(found)
        runner.up(names[0])
    return names[0]


def _runner() -> playhouse_migrations.Runner:
    return playhouse_migrations.Runner(db.obj, directory=str(_FOLDER))


def _pending(runner: playhouse_migrations.Runner, to: str | None) -> list[str]:
    names = [migration.name for migration in runner.status() if not migration.applied]
    return [name for name in names if to is None or name <= to]


def _only_locked(error: DatabaseUnavailable) -> bool:
    """Whether a migration failed because another transaction held a lock."""
    return getattr(getattr(error.__cause__, "orig", None), "pgcode", None) in _LOCK_REFUSALS


def _purpose(file: Path) -> str:
    """Returns what a migration says of itself: its purpose, and what operators must know before they apply it."""
    described = ast.get_docstring(ast.parse(file.read_text(encoding="utf-8"))) or ""
    return " ".join(described.split())


@contextmanager
def _alone() -> Iterator[None]:
    """Hold the migration lock; SQLite's write transaction is one by itself."""
    if not database.is_sqlite():
        db.execute_sql("SET LOCAL statement_timeout = 0")
        db.execute_sql("SET LOCAL lock_timeout = '60s'")
        db.execute_sql("SELECT pg_advisory_xact_lock(%s)", (_ADVISORY_LOCK,))
        db.execute_sql(f"SET LOCAL lock_timeout = '{_LOCK_WAIT}'")
    yield
