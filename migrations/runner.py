"""Brings a database to the newest schema, one process at a time."""

from __future__ import annotations

import ast
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from playhouse import migrations as playhouse_migrations

from models import database, statement_timeout, surroundings
from models.tables import db

# One number for all Carillon processes: whoever holds it migrates, the others wait and then find nothing to do.
_ADVISORY_LOCK = 0x43415249
_FOLDER = Path(__file__).parent


def upgrade(to: str | None = None) -> list[str]:
    """Apply every migration not applied yet, in order, up to the one named (the newest); the names of those applied.

    Safe to call from many processes at once. Raises `DatabaseUnavailable` when the database is away, `Misconfigured`
    when it is none to work on.
    """
    found = surroundings.check()
    with surroundings.refusals(), database.transaction(), statement_timeout.unlimited(), _alone():
        runner = playhouse_migrations.Runner(db.obj, directory=str(_FOLDER))
        if any(not migration.applied for migration in runner.status()):
            surroundings.check_for_migrating(found)
            applied = list(runner.up(to))
        else:  # a role that may not make tables can do the rest
            applied = []
    if to is None:
        surroundings.check_rights(found)
    return applied


def pending() -> list[tuple[str, str]]:
    """Returns the name and the purpose of each migration not applied yet, in order; changes nothing.

    Raises as `upgrade` does.
    """
    surroundings.check()
    with surroundings.refusals(), database.reading():
        runner = playhouse_migrations.Runner(db.obj, directory=str(_FOLDER))
        names = [migration.name for migration in runner.status() if not migration.applied]
    return [(name, _purpose(_FOLDER / f"{name}.py")) for name in names]


def _purpose(file: Path) -> str:
    """Returns the first line of a migration's docstring."""
    described = ast.get_docstring(ast.parse(file.read_text(encoding="utf-8"))) or ""
    return described.partition("\n")[0]


@contextmanager
def _alone() -> Iterator[None]:
    """Hold the migration lock; SQLite's write transaction is one by itself."""
    if not database.is_sqlite():
        db.execute_sql("SET LOCAL statement_timeout = 0")
        db.execute_sql("SET LOCAL lock_timeout = '60s'")
        db.execute_sql("SELECT pg_advisory_xact_lock(%s)", (_ADVISORY_LOCK,))
    yield
