"""Files of jobs: links to them, and the files themselves, for callers with a link or a token."""

from __future__ import annotations

from collections.abc import AsyncIterator
from datetime import datetime
from functools import partial
from typing import IO
from uuid import UUID

from falcon.asgi import Request, Response

from api import access, answers
from api.openapi import documented
from api.operations import Required, operation
from api.schemas.files import DownloadLink
from api.threads import Threads
from core import object_names
from core.errors import NotFound
from core.scopes import Scope
from services.access.wrong_secrets import WrongSecrets
from services.files import download_links, uploads
from services.system import System

_PIECE_BYTES = 256 * 1024


class DownloadOfJob:
    """`/api/jobs/{job_id}/download-url`."""

    def __init__(self, system: System, threads: Threads) -> None:
        self._system = system
        self._threads = threads

    @documented(
        "getDownloadUrl", "jobs", {200: DownloadLink}, access=Required.JOB, scope=Scope.READ, problems=(403, 404, 409)
    )
    async def on_get(self, req: Request, resp: Response, job_id: UUID) -> None:
        """Get a link to a job's file, by which anyone can download it for an hour."""
        url = await self._threads.run(uploads.download_url, access.principal(req), self._system, job_id)
        answers.send(resp, DownloadLink(download_url=url))


class StoredFile:
    """`/files/{name}`: a file that this server stores itself, by a signed link."""

    def __init__(self, system: System, threads: Threads) -> None:
        self._system = system
        self._threads = threads

    @operation(access=Required.NOTHING)
    async def on_get(self, req: Request, resp: Response, name: str) -> None:
        expires, signature, saved_as = (
            req.get_param(given, default="") for given in ("expires", "signature", "file_name")
        )
        file = await self._threads.run(self._opened, name, expires, signature, saved_as)
        await _send(req, resp, self._threads, file)
        resp.set_header("Content-Disposition", object_names.disposition(saved_as))

    def _opened(self, name: str, expires: str, signature: str, saved_as: str) -> IO[bytes]:
        now: datetime = self._system.clock.now()
        return download_links.opened(self._system.settings, name, expires, signature, saved_as=saved_as, now=now)


class SpooledFile:
    """`/internal/spool/{upload_id}`: a file in this host's spool, for the worker that has its token."""

    def __init__(self, system: System, threads: Threads, wrong_secrets: WrongSecrets) -> None:
        self._system = system
        self._threads = threads
        self._wrong_secrets = wrong_secrets

    @operation(access=Required.RECEIVER)
    async def on_get(self, req: Request, resp: Response, upload_id: UUID) -> None:
        token = (req.auth or "").removeprefix("Bearer ")
        open_it = partial(uploads.opened, self._system, upload_id, token)
        look_up = partial(self._wrong_secrets.looked_up, token, req.remote_addr, open_it, NotFound)
        await _send(req, resp, self._threads, await self._threads.run(look_up))


async def _send(req: Request, resp: Response, threads: Threads, file: IO[bytes]) -> None:
    """Answer with a file, piece by piece, as a download that a browser never displays."""
    resp.content_type = "application/octet-stream"
    size = await threads.run(_size, file)
    if req.method == "HEAD":  # then nothing reads the pieces
        file.close()
        resp.content_length = size
    else:
        resp.set_stream(_pieces(threads, file), size)


def _size(file: IO[bytes]) -> int:
    """Returns the size of a file, at whose beginning it is left."""
    try:
        size = file.seek(0, 2)
        file.seek(0)
    except BaseException:
        file.close()
        raise
    return size


async def _pieces(threads: Threads, file: IO[bytes]) -> AsyncIterator[bytes]:
    with file:
        while piece := await threads.run(file.read, _PIECE_BYTES):
            yield piece
