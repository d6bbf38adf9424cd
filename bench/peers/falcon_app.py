"""Falcon and asyncpg, written by hand, without ORM, validation or messages: the most that Python can reach."""

from __future__ import annotations

import json
from typing import Any

import asyncpg
import falcon
import falcon.asgi

from bench.peers import surroundings

_INSERT = "INSERT INTO web_jobs (name, payload, state) VALUES ($1, $2, 'queued') RETURNING id"
_CONNECTIONS = 16


class Pool:
    """The connections of one process, made when it starts."""

    connections: Any

    async def process_startup(self, _scope: Any, _event: Any) -> None:
        """Connect."""
        self.connections = await asyncpg.create_pool(surroundings.database_url(), min_size=4, max_size=_CONNECTIONS)


class Jobs:
    """POST /jobs."""

    def __init__(self, pool: Pool) -> None:
        self._pool = pool

    async def on_post(self, req: falcon.asgi.Request, resp: falcon.asgi.Response) -> None:
        """Store the row, and show it."""
        body = await req.get_media()
        row = await self._pool.connections.fetchrow(_INSERT, body["name"], json.dumps(body["payload"]))
        resp.media = {"id": row["id"], "name": body["name"], "state": "queued", "payload": body["payload"]}
        resp.status = falcon.HTTP_201


def _app() -> Any:
    pool = Pool()
    made = falcon.asgi.App(middleware=[pool])
    made.add_route("/jobs", Jobs(pool))
    return made


app = _app()
