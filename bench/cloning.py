"""Fills Carillon's queue with clones of one queued job and its run, by COPY, where the API would take too long.

Whatever columns a commit's tables have, clones have the values of a job that the API created; only the ids are new.
"""

from __future__ import annotations

import io
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any

import uuid_utils

from bench.carillon import Carillon
from bench.servers import Place

_GROUP = 20_000
_COLUMNS = """
    SELECT column_name FROM information_schema.columns
    WHERE table_schema = current_schema() AND table_name = %s AND is_generated = 'NEVER' ORDER BY ordinal_position
"""


@dataclass(frozen=True)
class Original:
    """A row as COPY writes it, by column."""

    table: str
    columns: tuple[str, ...]
    values: tuple[str, ...]

    def clone(self, **changed: str) -> str:
        """Returns the line of a row that differs in these columns."""
        pairs = zip(self.columns, self.values, strict=True)
        return "\t".join(changed.get(column, value) for column, value in pairs) + "\n"


def fill(place: Place, carillon: Carillon, body: dict[str, Any], count: int) -> None:
    """Create one job over the API, while no worker runs, and clone it until there are so many."""
    job_id = str(carillon.post("/api/jobs/create", body)["id"])
    with place.connection() as connection, connection.cursor() as cursor:
        job = original(cursor, "jobs", "id", job_id)
        run = original(cursor, "runs", "job_id", job_id)
        for size in groups(count - 1, _GROUP):
            ids = [str(uuid_utils.uuid7()) for _ in range(size)]
            copy(cursor, job, [job.clone(id=one) for one in ids])
            copy(cursor, run, [run.clone(id=str(uuid_utils.uuid7()), job_id=one) for one in ids])


def groups(count: int, most: int) -> Iterator[int]:
    """Returns sizes of groups that make up the count, each of at most so many."""
    for first in range(0, count, most):
        yield min(most, count - first)


def original(cursor: Any, table: str, column: str, value: str) -> Original:
    """Returns the only row with this value."""
    cursor.execute(_COLUMNS, (table,))
    columns = tuple(name for (name,) in cursor.fetchall())
    listed = ", ".join(columns)
    written = io.StringIO()
    where = cursor.mogrify(f"{column} = %s", (value,)).decode()
    select = f"SELECT {listed} FROM {table} WHERE {where}"  # noqa: S608  names from the catalogue, a quoted value
    cursor.copy_expert(f"COPY ({select}) TO STDOUT", written)
    return Original(table, columns, tuple(written.getvalue().rstrip("\n").split("\t")))


def copy(cursor: Any, original: Original, lines: Sequence[str]) -> None:
    """Store clones of a row."""
    listed = ", ".join(original.columns)
    cursor.copy_expert(f"COPY {original.table} ({listed}) FROM STDIN", io.StringIO("".join(lines)))
