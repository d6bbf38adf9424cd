"""001: uploads."""

from __future__ import annotations

import json
from functools import partial

from falcon.asgi import Request, Response

from api import access, answers, forms, keys
from api.answers import Answer
from api.forms import Form
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
from services.files.receiving import Receptions
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
        self._expect_uploader(access.principal(req))
        most = self._system.settings.max_upload_bytes
        begin = partial(self._receptions.begin, access.principal(req), may_be_sent_again=has_key)
        reception = await self._threads.run(begin)
        incoming = reception.file
        try:
            form = await forms.read(req, most, lambda piece: self._threads.run(reception.write, piece))
            await self._threads.run(incoming.finish)  # before any transaction, since it waits for the disk
            content = json.dumps({**form.texts, "file": [form.file_name, incoming.sha256]}).encode()
            accept = partial(self._accept, incoming, form, access.principal(req))
            try:
                await keys.answer_once(self._system, self._threads, req, resp, content=content, act=accept)
            except Unavailable:
                incoming.release()  # whether its job is there is not known; the sweep will see
                raise
        finally:
            reception.end()  # unless it was taken over: the request came before, or was refused

    def _expect_uploader(self, principal: Principal) -> None:
        """Refuse who may upload nothing, before anything is received. Raises `Forbidden`."""
        new = schemas.UploadFields().parsed(principal, self._system.clock.now())
        uploads.expect_permitted(principal, new)

    def _accept(self, incoming: Incoming, form: Form, principal: Principal) -> Answer:
        fields = schemas.fields(form.texts)
        new = fields.parsed(principal, self._system.clock.now())
        file_name = fields.file_name or form.file_name
        job_id = with_app(
            principal,
            self._system,
            new.app_name,
            lambda: uploads.accept(principal, self._system, new, incoming, file_name),
        )
        return answers.answer(Job.model_validate(records.job(principal, job_id)), 201, location=f"/api/jobs/{job_id}")
