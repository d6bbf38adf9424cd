"""Procrastinate, whose queue and whose record are one table of PostgreSQL."""

from __future__ import annotations

import procrastinate

from bench.peers import surroundings

_GROUP = 1_000
app = procrastinate.App(connector=procrastinate.PsycopgConnector(conninfo=surroundings.database_url()))


async def _noop(number: int) -> None:  # noqa: ARG001  the queue calls it by name
    surroundings.mark()


noop = app.task(queue="noop", name="noop")(_noop)


def fill(jobs: int) -> None:
    """Create the tables, and store so many jobs."""
    with app.open():
        app.schema_manager.apply_schema()
        for first in range(0, jobs, _GROUP):
            noop.batch_defer(*[{"number": number} for number in range(first, min(first + _GROUP, jobs))])
