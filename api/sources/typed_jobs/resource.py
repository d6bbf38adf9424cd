"""001: new jobs, by their type or in our own spelling."""

from __future__ import annotations

from typing import Any

from falcon.asgi import Request, Response

from api import access, answers, bodies, keys, validation
from api.answers import Answer
from api.schemas.jobs import Job, NewJob
from api.sources import translating
from api.sources.source_jobs import create
from api.sources.typed_jobs.schema import NewTypedJob, expect_for_users
from api.threads import Threads
from core.errors import FieldError, InvalidInput
from services.jobs.definition import NewJob as Wanted
from services.reading import records
from services.system import System

BOTH_OR_NEITHER = "is needed: task_type for a job in our spelling, or job_type in that of section 001; not both."


def parsed(system: System, req: Request, value: Any) -> tuple[Wanted, dict[str, str]]:
    """The job that a body in either spelling asks for, and what its spelling calls our members."""
    given = validation.json_object(value)
    if ("job_type" in given) == ("task_type" in given):
        raise InvalidInput(FieldError("task_type", BOTH_OR_NEITHER), FieldError("job_type", BOTH_OR_NEITHER))
    if "task_type" in given:
        expect_for_users(access.principal(req), given)
        return validation.body(NewJob, given).parsed(), {}
    typed = validation.body(NewTypedJob, given)
    return typed.parsed(access.principal(req), system.clock.now()), translating.TYPED_FIELDS


async def create_any(system: System, threads: Threads, req: Request, resp: Response) -> None:
    """Create a job in either spelling, and answer with it."""
    body = await bodies.read(req, system.settings.max_body_bytes)
    await keys.answer_once(system, threads, req, resp, content=body, act=lambda: _create(system, req, body))


def _create(system: System, req: Request, body: bytes) -> Answer:
    wanted, fields = parsed(system, req, bodies.parse(body))
    with translating.fields_named(fields):
        job_id = create(system, wanted)
    return answers.answer(Job.model_validate(records.job(job_id)), 201, location=f"/api/jobs/{job_id}")
