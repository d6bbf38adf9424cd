"""Uploads: a file comes in, a link to it goes out; and the files themselves, for whoever has a link or a token."""

from __future__ import annotations

import json
from collections.abc import AsyncIterator
from datetime import datetime
from functools import partial
from typing import IO
from uuid import UUID

from falcon.asgi import Request, Response

from api import access, answers, forms, keys
from api.answers import Answer
from api.forms import Form
from api.openapi import documented
from api.schemas.jobs import Job
from api.sources.source_jobs import with_app
from api.sources.typed_jobs import upload_schema as schemas
from api.sources.typed_jobs.upload_schema import DownloadLink, UploadForm
from api.threads import Threads
from core import object_names
from core.principals import Principal
from services.files import download_links, uploads
from services.files.spool import Incoming
from services.reading import records
from services.system import System

_PIECE_BYTES = 256 * 1024


class Uploads:
    """`/api/jobs/upload-file`."""

    def __init__(self, system: System, threads: Threads) -> None:
        self._system = system
        self._threads = threads

    @documented("uploadFile", "jobs", {201: Job}, form=UploadForm, problems=(403, 404), takes_key=True)
    async def on_post(self, req: Request, resp: Response) -> None:
        """Upload a file: it is spooled here, and a job stores it for good."""
        keys.read(req)  # a wrong one is refused before a large file is taken
        most = self._system.settings.max_upload_bytes
        incoming = await self._threads.run(Incoming, self._system.settings)
        try:
            form = await forms.read(req, most, lambda piece: self._threads.run(incoming.write, piece))
            await self._threads.run(incoming.finish)  # before any transaction: it waits for the disk
            content = json.dumps({**form.texts, "file": [form.file_name, incoming.sha256]}).encode()
            accept = partial(self._accept, incoming, form, access.principal(req))
            await keys.answer_once(self._system, self._threads, req, resp, content=content, act=accept)
        finally:
            incoming.drop()  # if it came before, or was refused

    def _accept(self, incoming: Incoming, form: Form, principal: Principal) -> Answer:
        fields = schemas.fields(form.texts)
        new = fields.parsed(principal, self._system.clock.now())
        file_name = fields.file_name or form.file_name
        job_id = with_app(self._system, new.app_name, lambda: uploads.accept(self._system, new, incoming, file_name))
        return answers.answer(Job.model_validate(records.job(job_id)), 201, location=f"/api/jobs/{job_id}")


class DownloadOfJob:
    """`/api/jobs/{job_id}/download-url`."""

    def __init__(self, system: System, threads: Threads) -> None:
        self._system = system
        self._threads = threads

    @documented("getDownloadUrl", "jobs", {200: DownloadLink}, problems=(403, 404, 409))
    async def on_get(self, _req: Request, resp: Response, job_id: UUID) -> None:
        """Get a link to a job's file, by which anyone can download it for an hour."""
        url = await self._threads.run(uploads.download_url, self._system, job_id)
        answers.send(resp, DownloadLink(download_url=url))


class StoredFile:
    """`/files/{name}`: a file that this server keeps itself, by a signed link."""

    def __init__(self, system: System, threads: Threads) -> None:
        self._system = system
        self._threads = threads

    async def on_get(self, req: Request, resp: Response, name: str) -> None:
        expires, signature, saved_as = (
            req.get_param(given, default="") for given in ("expires", "signature", "file_name")
        )
        file = await self._threads.run(self._opened, name, expires, signature, saved_as)
        await _send(resp, self._threads, file)
        resp.set_header("Content-Disposition", object_names.disposition(saved_as))

    def _opened(self, name: str, expires: str, signature: str, saved_as: str) -> IO[bytes]:
        now: datetime = self._system.clock.now()
        return download_links.opened(self._system.settings, name, expires, signature, saved_as=saved_as, now=now)


class SpooledFile:
    """`/internal/spool/{upload_id}`: a file that waits on this host, for the worker that has its token."""

    def __init__(self, system: System, threads: Threads) -> None:
        self._system = system
        self._threads = threads

    async def on_get(self, req: Request, resp: Response, upload_id: UUID) -> None:
        token = (req.auth or "").removeprefix("Bearer ")
        await _send(resp, self._threads, await self._threads.run(uploads.opened, self._system, upload_id, token))


async def _send(resp: Response, threads: Threads, file: IO[bytes]) -> None:
    """Answer with a file, piece by piece, and never as something that a browser would show."""
    size = await threads.run(file.seek, 0, 2)
    await threads.run(file.seek, 0)
    resp.content_type = "application/octet-stream"
    resp.set_stream(_pieces(threads, file), size)


async def _pieces(threads: Threads, file: IO[bytes]) -> AsyncIterator[bytes]:
    with file:
        while piece := await threads.run(file.read, _PIECE_BYTES):
            yield piece
