"""Indexes of tables that may be large, which PostgreSQL builds while others write. A migration, a transaction, cannot.

A coordinator builds them, and so does `carillon migrate`. Until one is there, what it is for is answered by reading.
"""

from __future__ import annotations

from dataclasses import dataclass

import peewee
import structlog

from core.principals import ANONYMOUS
from models import database, statement_timeout
from models.tables import db

BUILD_SECONDS = 600.0
EXTENSION = "pg_trgm"
# A search reads what is not sorted in yet, and whoever writes when there is much of that sorts it in: it is kept short.
_SORTED_IN_KILOBYTES = 256
_STATE = """
    SELECT (SELECT indisvalid FROM pg_index WHERE indexrelid = to_regclass(%s)),
        EXISTS (
            SELECT FROM pg_stat_progress_create_index AS building
            WHERE building.datname = current_database() AND building.relid = pg_class.oid
        ),
        pg_has_role(relowner, 'USAGE')
    FROM pg_class WHERE oid = to_regclass(%s)
"""
_TRIGRAMS = """
    SELECT format('%%I.gin_trgm_ops', nspname) FROM pg_extension JOIN pg_namespace ON pg_namespace.oid = extnamespace
    WHERE extname = %s
"""
_REMEDY = "A coordinator tries again within ten minutes; so does `carillon migrate`."
log = structlog.get_logger()


@dataclass(frozen=True)
class LargeIndex:
    """An index: its name, its table, and what CREATE INDEX says after that, with a place for the class of trigrams.

    `meanwhile` says what is slow, or refused, without it. The index that it `replaces` is dropped once it is valid.
    """

    name: str
    table: str
    keys: str
    meanwhile: str
    is_unique: bool = False
    replaces: str | None = None

    @property
    def needs_extension(self) -> bool:
        """Whether it is one of trigrams."""
        return "{trigrams}" in self.keys


INDEXES = [
    LargeIndex(
        "jobs_searched",
        "jobs",
        'USING gin (search_text {trigrams}, lower(task_type COLLATE "C") {trigrams}) '
        f"WITH (gin_pending_list_limit = {_SORTED_IN_KILOBYTES})",
        "Searches read every job meanwhile.",
    ),
    # The index of an account's jobs does not lead to its runs: a job may have moved since. SQLite has no such index:
    # without statistics it would read this one, and not that of the job, where a query names both.
    LargeIndex(
        "runs_of_account",
        "runs",
        f"(account_id, id) WHERE account_id <> '{ANONYMOUS}'",  # most runs of an installation may be of nobody
        "Lists of the runs of one account read every run meanwhile.",
    ),
    # Only jobs in the shared apps have an owner. No rows that the former index allowed are refused by this one.
    LargeIndex(
        "jobs_name_once_of_owner",
        "jobs",
        "(app_id, name_key, COALESCE(owner_id, '00000000-0000-0000-0000-000000000000'::uuid)) "
        "WHERE name_key IS NOT NULL AND deleted_at IS NULL",
        "In shared apps, a name that another user's job has is refused meanwhile.",
        is_unique=True,
        replaces="jobs_name_once",
    ),
    # On SQLite, migration 0049 makes it.
    LargeIndex(
        "runs_not_fired",
        "runs",
        "(finished_at, id) WHERE status IN ('skipped', 'missed')",
        "The overview reads all runs that ended in its span meanwhile, to tell what was skipped or missed.",
    ),
    # On SQLite, migration 0051 makes these two.
    LargeIndex(
        "runs_held",
        "runs",
        "(held_by, queue, due_at) WHERE status = 'queued' AND held_by IS NOT NULL",
        "The backlog is counted by reading every run meanwhile.",
    ),
    LargeIndex(
        "runs_begun_before",
        "runs",
        "(started_at) WHERE status IN ('queued', 'retrying') AND started_at IS NOT NULL",
        "The figures of each minute are read from every run meanwhile.",
    ),
]


def build() -> list[str]:
    """Build the indexes that are missing or were left half-built. Returns the names of those built.

    Does nothing on SQLite, or for a role that does not own the tables. Leaves out what another process is building, and
    indexes of trigrams without the extension. Raises `DatabaseUnavailable`.
    """
    if database.is_sqlite():
        return []
    trigrams = _trigrams()
    wanted = [index for index in INDEXES if trigrams is not None or not index.needs_extension]
    return [index.name for index in wanted if _built(index, trigrams)]


def _built(index: LargeIndex, trigrams: str | None) -> bool:
    is_valid, is_under_way, is_ours = _state(index)
    is_left = index.replaces is not None and _is_there(index.replaces)
    if is_under_way or not is_ours or (is_valid and not is_left):
        return False
    try:
        with statement_timeout.unlimited():
            if not is_valid:
                _build_anew(index, trigrams, is_half_built=is_valid is not None)
            if is_left and _state(index)[0]:
                db.execute_sql(f"DROP INDEX CONCURRENTLY IF EXISTS {index.replaces}")
    except peewee.PeeweeException as error:
        log.warning(
            "index_not_built", index=index.name, error=str(error).splitlines()[0], remedy=f"{index.meanwhile} {_REMEDY}"
        )
    else:
        log.info("index_built", index=index.name)
    return not is_valid and bool(_state(index)[0])


def _build_anew(index: LargeIndex, trigrams: str | None, *, is_half_built: bool) -> None:
    if is_half_built:
        db.execute_sql(f"DROP INDEX CONCURRENTLY IF EXISTS {index.name}")
    kind, keys = "UNIQUE INDEX" if index.is_unique else "INDEX", index.keys.format(trigrams=trigrams)
    db.execute_sql(f"CREATE {kind} CONCURRENTLY IF NOT EXISTS {index.name} ON {index.table} {keys}")
    db.execute_sql(f"ANALYZE {index.table}")  # what is in an expression is not known before


def _is_there(name: str) -> bool:
    with database.reading():
        return db.execute_sql("SELECT to_regclass(%s)", (name,)).fetchone()[0] is not None


def _trigrams() -> str | None:
    """Returns the name of the trigrams' operator class; None if the database has not the extension."""
    with database.reading():
        found = db.execute_sql(_TRIGRAMS, (EXTENSION,)).fetchone()
    return None if found is None else str(found[0])


def _state(index: LargeIndex) -> tuple[bool | None, bool, bool]:
    """Returns whether an index is valid (None if there is none), one is being built, and the table is this role's."""
    with database.reading():
        is_valid, is_under_way, is_ours = db.execute_sql(_STATE, (index.name, index.table)).fetchone()
    return is_valid, is_under_way, is_ours
