"""Checks the database at start, so that missing requirements are reported once, before anything runs."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import peewee

from core.errors import DatabaseUnavailable, Misconfigured
from core.surroundings import Surroundings, lasting_fault, missing_rights
from models import database
from models.tables import ALL, db

_FOUND = """
    SELECT current_database(), current_user, current_setting('search_path'), current_schema(),
        current_setting('server_encoding'), pg_is_in_recovery(),
        COALESCE(has_schema_privilege(current_schema(), 'CREATE'), FALSE)
"""
_NOT_AS_ASKED = "SELECT name FROM pg_settings WHERE name = ANY(%s) AND source <> 'client' ORDER BY name"
_UNUSABLE = """
    SELECT name FROM unnest(%s) AS name
    WHERE NOT (has_table_privilege(name, 'SELECT') AND has_table_privilege(name, 'INSERT')
        AND has_table_privilege(name, 'UPDATE') AND has_table_privilege(name, 'DELETE'))
    ORDER BY name
"""
_REFUSALS = {
    "42501": "let the role that owns the tables run `carillon migrate`.",
    "42P07": "the schema holds tables of something else; name another by options=-csearch_path%3DNAME.",
}


def check() -> Surroundings | None:
    """Check the database. Returns what was found, None with SQLite. Raises `Misconfigured` or `DatabaseUnavailable`."""
    if database.is_sqlite():
        return None
    try:
        with database.reading():
            facts: Any = (*db.execute_sql(_FOUND).fetchone(), _lost_options())
            found = Surroundings(*facts)
    except DatabaseUnavailable as error:
        if fault := lasting_fault(str(error)):
            raise Misconfigured(fault) from error
        raise
    _refuse(found.faults())
    return found


def check_for_migrating(found: Surroundings | None) -> None:
    """Check that tables can be created. Raises `Misconfigured`."""
    if found is not None:
        _refuse(found.faults_for_migrating())


def check_rights(found: Surroundings | None) -> None:
    """Check that tables may be read and written. Raises `Misconfigured`."""
    if found is None:
        return
    with database.reading():
        tables = [table._meta.table_name for table in ALL]  # noqa: SLF001  peewee's own way
        unusable = [name for (name,) in db.execute_sql(_UNUSABLE, (tables,)).fetchall()]
    if unusable:
        raise Misconfigured(missing_rights(found.role, unusable))


@contextmanager
def refusals() -> Iterator[None]:
    """Raise `Misconfigured`, with the remedy, if the server refuses a change of the schema in this block."""
    try:
        yield
    except peewee.ProgrammingError as error:
        remedy = _REFUSALS.get(getattr(error.__cause__ or error.__context__, "pgcode", None) or "")
        if remedy is None:
            raise
        raise Misconfigured(f"DATABASE_URL: {str(error).splitlines()[0]}: {remedy}") from error


def _lost_options() -> tuple[str, ...]:
    """Returns the server's settings that DATABASE_URL sets but that did not reach the server."""
    return tuple(name for (name,) in db.execute_sql(_NOT_AS_ASKED, (db.obj.asked_for,)).fetchall())


def _refuse(faults: Iterator[str]) -> None:
    if lines := list(faults):
        raise Misconfigured("\n".join(lines))
