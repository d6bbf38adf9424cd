"""001: e-mail, sent by a path of its own."""

from __future__ import annotations

from falcon.asgi import Request, Response
from pydantic import RootModel

from api import access, answers, bodies, keys, validation
from api.answers import Answer
from api.openapi import documented
from api.operations import Required
from api.schemas.jobs import Job
from api.sources.typed_jobs import words
from api.sources.typed_jobs.email_schema import NewMails
from api.threads import Threads
from core.scopes import Scope
from services.apps import apps
from services.jobs import accepting, creating
from services.jobs.creation_outcomes import Refusal
from services.jobs.definition import NewJob
from services.reading import records
from services.system import System


class OneOrMore(RootModel[Job | list[Job]]):
    """One job for one recipient, a list for several."""


class NewEmails:
    """`/api/jobs/send-email`."""

    def __init__(self, system: System, threads: Threads) -> None:
        self._system = system
        self._threads = threads

    @documented(
        "sendEmails",
        "jobs",
        {201: OneOrMore},
        access=Required.ACCOUNT,
        scope=Scope.JOBS,
        body=NewMails,
        problems=(403,),
        takes_key=True,
    )
    async def on_post(self, req: Request, resp: Response) -> None:
        """Send e-mail: a job for each recipient, all or none."""
        body = await bodies.read(req, self._system.settings.max_body_bytes)
        await keys.answer_prepared(
            self._system,
            self._threads,
            req,
            resp,
            content=body,
            prepare=lambda: self._validated(req, body),
            act=lambda prepared: self._create(req, *prepared),
        )

    def _validated(self, req: Request, body: bytes) -> tuple[NewMails, list[NewJob | Refusal]]:
        mails = validation.body(NewMails, bodies.parse(body))
        principal, now = access.principal(req), self._system.clock.now()
        wanted = [one.parsed(principal, now) for one in mails.jobs()]
        return mails, accepting.all_validated(principal, self._system, wanted)

    def _create(self, req: Request, mails: NewMails, wanted: list[NewJob | Refusal]) -> Answer:
        principal = access.principal(req)
        apps.ensure(principal, self._system, words.SOURCE.app_name)
        created = creating.create_many_validated(principal, self._system, wanted, all_or_none=True)
        views = records.jobs_by_ids(principal, [one.job_id for one in created if one.job_id is not None])
        shown = [Job.model_validate(view) for view in views]
        return answers.answer(OneOrMore(shown[0] if mails.is_one else shown), 201)
