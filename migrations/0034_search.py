"""Search: the extension that an index for searches needs; the index itself is built beside the work."""

from __future__ import annotations

from typing import Any

import peewee
import structlog

from migrations.large_indexes import EXTENSION

REMEDY = (
    f"Searches read every job. As the owner of the database, run `CREATE EXTENSION {EXTENSION}` in it; if the server "
    "lacks the extension, it is in the package postgresql-contrib. A coordinator builds the index then."
)
log = structlog.get_logger()


def up(_migrator: Any, database: Any) -> None:
    """Make the extension. A server that has not got it, or a role that may not, has searches that read every job."""
    if isinstance(database, peewee.SqliteDatabase):
        return
    try:
        with database.atomic():
            database.execute_sql(f"CREATE EXTENSION IF NOT EXISTS {EXTENSION}")
    except peewee.DatabaseError as error:
        log.warning("search_without_index", error=str(error).splitlines()[0], remedy=REMEDY)
