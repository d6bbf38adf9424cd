"""The base of the source systems' resources: create, find, edit and list the jobs that one system owns."""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping
from functools import partial
from typing import Any
from uuid import UUID

import falcon
from falcon.asgi import Request, Response
from pydantic import BaseModel

from api import access, answers, bodies, edit_bodies, keys, lists, read_only, validation
from api.schemas.paging import NumberedQuery
from api.sources import translating
from api.sources.source import Source
from api.threads import Threads
from core import built_in_apps
from core.errors import NotFound
from core.filters import JobFilter
from core.listing import Ordering
from core.principals import Principal
from services.apps import apps
from services.jobs import accepting, creating, editing
from services.jobs.creation_outcomes import Refusal
from services.jobs.definition import Definition, NewJob
from services.reading import listing, records
from services.reading.counting import Counts
from services.reading.views import JobView
from services.system import System


class SourceJobs:
    """The base of a source system's resources: `source` describes the system, `fields` maps our names to its own."""

    source: Source
    fields: Mapping[str, str]

    def __init__(self, system: System, threads: Threads, counts: Counts) -> None:
        self.system = system
        self.threads = threads
        self.counts = counts

    def show(self, view: JobView) -> BaseModel:
        """Returns a job as the source shows it."""
        raise NotImplementedError

    async def answer_created(
        self,
        req: Request,
        resp: Response,
        parsed: Callable[[Principal, bytes], NewJob],
    ) -> None:
        """Create the job that `parsed` returns for the body, and answer with it."""
        body = await bodies.read(req, self.system.settings.max_body_bytes)
        principal = access.principal(req)
        await keys.answer_prepared(
            self.system,
            self.threads,
            req,
            resp,
            content=body,
            prepare=lambda: accepting.validated(principal, self.system, parsed(principal, body)),
            act=lambda wanted: answers.answer(self.show(self._created(principal, wanted)), 201),
        )

    def _created(self, principal: Principal, wanted: NewJob | Refusal) -> JobView:
        """Store a validated job, and the source's app if this is its first job."""
        with translating.fields_named(self.fields):
            store = partial(creating.create_validated, principal, self.system, wanted)
            return records.job(principal, with_app(principal, self.system, self.source.app_name, store))

    def found(self, principal: Principal, job_id: UUID) -> JobView:
        """Returns the source's job with this id. Raises `NotFound`."""
        return self._expect_owned(records.job(principal, job_id))

    def edited(
        self, principal: Principal, job_id: UUID, amend: Callable[[JobView], Definition], *, active: bool | None = None
    ) -> JobView:
        """Change the source's job with this id by `amend`; if `active` is given, also resume or pause it."""
        self.found(principal, job_id)
        with translating.fields_named(self.fields):
            return editing.edit(
                principal, self.system, job_id, lambda view: amend(self._expect_owned(view)), active=active
            )

    def listed(
        self, req: Request, wanted: JobFilter, ordering: Ordering, query: NumberedQuery
    ) -> tuple[Any, dict[str, str]]:
        """Returns a page of the jobs that fit and that the caller may see, with links to other pages."""
        page = listing.jobs(access.principal(req), self.counts, wanted, ordering, query.stretch())
        return page.items, lists.by_number(req, query.page, more=page.last is not None)

    def _expect_owned(self, view: JobView) -> JobView:
        if not self.source.owns(view):
            raise NotFound("job", view.id)
        return view


class OneSourceJob(SourceJobs):
    """The base of the resource of one job: shows it, changes it and deletes it; each source declares what it offers."""

    async def answer_shown(self, req: Request, resp: Response, job_id: UUID) -> None:
        """Answer with the job."""
        principal = access.principal(req)
        answers.send(resp, await self.threads.run(lambda: self.show(self.found(principal, job_id))))

    async def answer_edited(
        self,
        req: Request,
        resp: Response,
        job_id: UUID,
        edit: Callable[[Principal, UUID, Any], JobView],
        accepted: Collection[str] = (falcon.MEDIA_JSON,),
    ) -> None:
        """Change the job by `edit`, which takes the JSON of the body, and answer with it."""
        limit, principal = self.system.settings.max_body_bytes, access.principal(req)
        body = await edit_bodies.of_job(req, limit, self.threads, job_id, accepted)
        edited = await self.threads.run(lambda: self.show(edit(principal, job_id, bodies.parse(body))))
        answers.send(resp, edited)

    async def answer_deleted(
        self, req: Request, resp: Response, job_id: UUID, refuse: editing.Refuse = lambda _view: None
    ) -> None:
        """Delete the job. Raises what `refuse` raises for it."""
        await self.threads.run(self._delete, access.principal(req), job_id, refuse)
        resp.status = falcon.HTTP_NO_CONTENT

    def _delete(self, principal: Principal, job_id: UUID, refuse: editing.Refuse) -> None:
        self.found(principal, job_id)
        editing.delete(principal, self.system, job_id, refuse=refuse)


def with_app(principal: Principal, system: System, app_name: str, store: Callable[[], UUID]) -> UUID:
    """Returns what `store` returns; if a built-in app does not exist yet, it is created first."""
    try:
        return store()
    except NotFound as missing:
        if missing.noun != "app" or app_name not in built_in_apps.NAMES:
            raise
    apps.ensure(principal, system, app_name)
    return store()


def whole(model: type[BaseModel], given: Any, shown: BaseModel) -> Any:
    """Returns the model of a body that replaces all members shown. Raises `InvalidInput`."""
    known = shown.model_dump(mode="json")
    writable = model.model_fields
    return validation.body(model, read_only.without_read_only(validation.json_object(given), known, writable))
