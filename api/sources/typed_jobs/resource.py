"""001: jobs by their type, on the same paths as in our own spelling."""

from __future__ import annotations

from dataclasses import dataclass
from functools import partial
from typing import Any
from uuid import UUID

from falcon.asgi import Request, Response

from api import access, answers, bodies, keys, user_edits, validation
from api.answers import Answer
from api.openapi import documented
from api.operations import Required
from api.resources import jobs, one_job
from api.schemas import editing as edits
from api.schemas.jobs import Job, NewJob
from api.sources import translating
from api.sources.source_jobs import with_app
from api.sources.typed_jobs import schema, words
from api.sources.typed_jobs.schema import AnyNewJob, NewTypedJob
from core.errors import FieldError, InvalidInput
from core.principals import Principal
from core.scopes import Scope
from services.jobs import accepting, creating
from services.jobs.creation_outcomes import Refusal
from services.jobs.definition import Definition
from services.jobs.definition import NewJob as Wanted
from services.reading import records
from services.reading.views import JobView
from services.system import System


@dataclass(frozen=True)
class _Validated:
    """A job, or its refusal, its app, and the names that its spelling has for our members."""

    app_name: str
    job: Wanted | Refusal
    fields: dict[str, str]


NEITHER = "is missing; give task_type, or job_type for a job in the spelling of typed jobs."
BOTH = "must stand alone; task_type and job_type are both given: leave one of them out."


class Jobs(jobs.Jobs):
    """`/api/jobs`: the list, and new jobs in either spelling."""

    @documented(
        "createAnyJob",
        "jobs",
        {201: Job},
        access=Required.ACCOUNT,
        scope=Scope.JOBS,
        body=AnyNewJob,
        problems=(403, 404),
        takes_key=True,
    )
    async def on_post(self, req: Request, resp: Response) -> None:
        """Create a job, in the usual spelling (`task_type`) or in that of typed jobs (`job_type`)."""
        body = await bodies.read(req, self._system.settings.max_body_bytes)
        prepare = partial(_validated, self._system, req, body)
        act = partial(_create, self._system, req)
        await keys.answer_prepared(self._system, self._threads, req, resp, content=body, prepare=prepare, act=act)


class OneJob(one_job.OneJob):
    """`/api/jobs/{job_id}`: one job, patched in either spelling."""

    def _patch(self, job_id: UUID, req: Request, body: bytes) -> JobView:
        given = bodies.parse(body)
        schema.refuse_begun(records.job(access.principal(req), job_id), given)
        with translating.fields_named(schema.names(given)):
            return self._edit(job_id, req, body, self._patched)

    def _patched(self, view: JobView, patch: Any) -> Definition:
        ours = schema.patch(view, validation.json_object(patch), self._system.clock.now())
        return edits.patched(view, ours)


def _validated(system: System, req: Request, body: bytes) -> _Validated:
    principal = access.principal(req)
    wanted, fields = _parsed(system, principal, bodies.parse(body))
    return _Validated(wanted.app_name, accepting.validated(principal, system, wanted), fields)


def _create(system: System, req: Request, wanted: _Validated) -> Answer:
    principal = access.principal(req)
    with translating.fields_named(wanted.fields):
        job_id = with_app(
            principal, system, wanted.app_name, lambda: creating.create_validated(principal, system, wanted.job)
        )
    return answers.answer(Job.model_validate(records.job(principal, job_id)), 201, location=f"/api/jobs/{job_id}")


def _parsed(system: System, principal: Principal, value: Any) -> tuple[Wanted, dict[str, str]]:
    """Returns the job of a body in either spelling, and the names that its spelling has for our members."""
    given = validation.json_object(value)
    if ("job_type" in given) == ("task_type" in given):
        fault = BOTH if "job_type" in given else NEITHER
        raise InvalidInput(FieldError("task_type", fault), FieldError("job_type", fault))
    if "task_type" in given:
        user_edits.expect_new(principal, given)
        return validation.body(NewJob, given).parsed(), {}
    typed = validation.body(NewTypedJob, given)
    return typed.parsed(principal, system.clock.now()), words.FIELDS
