"""Queries on the installation: its identity, its mark, and the place in which its database is."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Any
from uuid import uuid4

import peewee

from core.restoring import MarkedDatabase, place_in
from models import database
from models.tables import App, Installation, db

_MAY_IDENTIFY = "SELECT has_function_privilege('pg_control_system()', 'EXECUTE')"
_SERVER = "SELECT system_identifier FROM pg_control_system()"
_DATABASE = "SELECT oid FROM pg_database WHERE datname = current_database()"


@dataclass(frozen=True)
class InstallationState:
    """The installation as its database has it."""

    identity: str
    database: MarkedDatabase
    marked_at: datetime | None
    restored_at: datetime | None
    restored_to: datetime | None
    is_holding: bool  # runs are being held; none is claimed until all are


def state() -> InstallationState:
    """Returns the installation as the open transaction sees it."""
    return _state(Installation.get_by_id(1))


def identity() -> str:
    """Returns the unique id of this installation."""
    return str(Installation.get_by_id(1).identity)


def lock() -> InstallationState:
    """Lock the installation. Returns its state."""
    return _state(database.for_update(Installation.select().where(Installation.id == 1)).get())


def count_mark(now: datetime, before: datetime) -> None:
    """Count the mark upwards, if it was last counted before an instant, or by a clock that has been set back since."""
    marked_at = Installation.marked_at
    is_old = marked_at.is_null() | (marked_at < before) | (marked_at > now)
    Installation.update(mark=Installation.mark + 1, marked_at=now).where(Installation.id == 1, is_old).execute()


def set_home(place: str) -> None:
    """Record the place in which the database is."""
    Installation.update(home=place).where(Installation.id == 1).execute()


def take_back(mark: int, place: str, now: datetime, restored_to: datetime | None) -> None:
    """Record that the database was taken back, and continue from a mark; nothing is claimed. Invalidates live cursors.

    The installation gets a new identity: the one that it was copied from may continue to run beside it, with the same
    DATA_DIR, where each uses the files with its own identity.
    """
    new = {"mark": mark, "marked_at": now, "home": place, "restored_at": now, "restored_to": restored_to}
    own = {"identity": uuid4().hex, "epoch": uuid4().hex[:12], "holding_since": now}
    Installation.update(**own, **new).where(Installation.id == 1).execute()


def is_holding() -> bool:
    """Whether runs are being held after a restore, so that none is claimed."""
    return Installation.get_by_id(1).holding_since is not None


def end_holding() -> None:
    """Record that all runs that had to be held are held: others may be claimed again."""
    Installation.update(holding_since=None).where(Installation.id == 1).execute()


def may_restore_be_over() -> bool:
    """Whether a restore is on record although no app is held any more (runs may still be)."""
    return Installation.get_by_id(1).restored_at is not None and not _holds_apps()


def end_restore_if_over() -> bool:
    """Record that the restore is over, if it holds no app any more. Returns whether it is over."""
    if _holds_apps():
        return False
    Installation.update(restored_at=None, restored_to=None).where(Installation.id == 1).execute()
    return True


def _holds_apps() -> bool:
    return bool(App.select(peewee.SQL("1")).where(App.restored_at.is_null(False)).limit(1).count())


def _state(row: Any) -> InstallationState:
    marked = MarkedDatabase(row.mark, row.home, _place())
    restored = row.restored_at, row.restored_to
    return InstallationState(row.identity, marked, row.marked_at, *restored, row.holding_since is not None)


def _place() -> str:
    """Returns what distinguishes this database from a copy: server and database in PostgreSQL, the file in SQLite."""
    if database.is_sqlite():
        return f"file {Path(db.obj.database).stat().st_ino}"
    return place_in(_first(_SERVER) if _first(_MAY_IDENTIFY) else None, _first(_DATABASE))


def _first(query: str) -> Any:
    return db.execute_sql(query).fetchone()[0]
