"""001: uploads."""

from __future__ import annotations

import json
from collections.abc import Awaitable, Callable, Mapping
from functools import partial
from uuid import UUID

from falcon.asgi import Request, Response

from api import access, answers, forms, keys
from api.answers import Answer
from api.forms import BeforeFile, Form
from api.openapi import documented
from api.operations import Required
from api.schemas.jobs import Job
from api.sources.source_jobs import with_app
from api.sources.typed_jobs import upload_schema as schemas
from api.sources.typed_jobs.upload_schema import UploadForm
from api.threads import Threads
from core.errors import Unavailable
from core.principals import Principal
from core.scopes import Scope
from services.files import uploads
from services.files.receiving import Reception, Receptions
from services.files.spool import Incoming
from services.reading import records
from services.system import System


class Uploads:
    """`/api/jobs/upload-file`."""

    def __init__(self, system: System, threads: Threads) -> None:
        self._system = system
        self._threads = threads
        self._receptions = Receptions(system)

    @documented(
        "uploadFile",
        "jobs",
        {201: Job},
        access=Required.ACCOUNT,
        scope=Scope.JOBS,
        form=UploadForm,
        problems=(403, 404),
        takes_key=True,
    )
    async def on_post(self, req: Request, resp: Response) -> None:
        """Upload a file: it is spooled here, and a job stores it permanently."""
        has_key = keys.read(req) is not None  # a wrong key is refused before a large file is read

        async def store(incoming: Incoming, form: Form) -> None:
            content = json.dumps({**form.texts, "file": [form.file_name, incoming.sha256]}).encode()
            accept = partial(self._answer, access.principal(req), incoming, form)
            await keys.answer_once(self._system, self._threads, req, resp, content=content, act=accept)

        await self.receive(req, store, has_key=has_key)

    async def receive(
        self,
        req: Request,
        store: Callable[[Incoming, Form], Awaitable[None]],
        *,
        has_key: bool,
        before_file: BeforeFile = lambda _texts: None,
    ) -> None:
        """Receive the form of a request, which `store` gets with its file; unless it takes that over, it is removed.

        `before_file` gets the fields that come before the file, and may raise.
        """
        principal = access.principal(req)
        self._expect_uploader(principal)
        begin = partial(self._receptions.begin, principal, may_be_sent_again=has_key)
        reception = await self._threads.run(begin)
        try:
            form = await self._read(req, reception, before_file)
            try:
                await store(reception.file, form)
            except Unavailable:
                reception.file.release()  # whether its job is there is not known; the sweep will see
                raise
        finally:
            reception.end()  # unless it was taken over: the request came before, or was refused

    def accept(self, principal: Principal, incoming: Incoming, texts: Mapping[str, str], file_name: str) -> UUID:
        """Create the job of a received file, whose name a field may replace. Returns its id.

        Raises `InvalidInput` naming every wrong field, and as `uploads.accept` does.
        """
        fields = schemas.fields(texts)
        new = fields.parsed(principal, self._system.clock.now())
        name = fields.file_name or file_name
        return with_app(
            principal, self._system, new.app_name, lambda: uploads.accept(principal, self._system, new, incoming, name)
        )

    async def _read(self, req: Request, reception: Reception, before_file: BeforeFile) -> Form:
        """Read the form to its end, and the file into the spool, where it is complete."""
        most = self._system.settings.max_upload_bytes
        form = await forms.read(req, most, lambda piece: self._threads.run(reception.write, piece), before_file)
        await self._threads.run(reception.file.finish)  # before any transaction, since it waits for the disk
        return form

    def _expect_uploader(self, principal: Principal) -> None:
        """Refuse who may upload nothing, before anything is received. Raises `Forbidden`."""
        new = schemas.UploadFields().parsed(principal, self._system.clock.now())
        uploads.expect_permitted(principal, new)

    def _answer(self, principal: Principal, incoming: Incoming, form: Form) -> Answer:
        job_id = self.accept(principal, incoming, form.texts, form.file_name)
        return answers.answer(Job.model_validate(records.job(principal, job_id)), 201, location=f"/api/jobs/{job_id}")
