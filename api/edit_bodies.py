"""Read the bodies of edits: the answer of a GET can be PUT, so they may be as large as that."""

from __future__ import annotations

from collections.abc import Callable, Collection
from uuid import UUID

import falcon
from falcon.asgi import Request
from pydantic import BaseModel

from api import access, bodies
from api.schemas.jobs import Job
from api.threads import Threads
from services.reading import records

_ESCAPED = 3  # a character outside ASCII takes at most three times the bytes as an escape


async def of_job(
    req: Request, most: int, threads: Threads, job_id: UUID, accepted: Collection[str] = (falcon.MEDIA_JSON,)
) -> bytes:
    """Returns the body of an edit of a job, in any spelling. Raises as `bodies.read` does, and `NotFound`."""
    principal = access.principal(req)
    return await of(req, most, threads, lambda: Job.model_validate(records.job(principal, job_id)), accepted)


async def of(
    req: Request,
    most: int,
    threads: Threads,
    show: Callable[[], BaseModel | None],
    accepted: Collection[str] = (falcon.MEDIA_JSON,),
) -> bytes:
    """Returns the body of an edit: `most` bytes more than is shown now, even if every character is escaped.

    Raises as `bodies.read` does.
    """
    if req.content_length is None or req.content_length > most:
        shown = await threads.run(show)
        most += 0 if shown is None else _ESCAPED * len(shown.model_dump_json().encode())
    return await bodies.read(req, most, accepted)
