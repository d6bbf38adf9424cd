"""What the buttons of pages do: each calls one service, as the API does, and leads to the page of what it changed."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from typing import Any, Protocol, TypeVar
from uuid import UUID

from falcon.asgi import Request, Response

from core.errors import InvalidInput
from core.principals import Principal
from core.states import Hold
from pages import forms, shown_again
from pages.forms import Form
from pages.page_request import Asked
from pages.route import Responder
from pages.site import Site
from services.jobs import editing, lifecycle, polling_states, requested_runs
from services.reading.pauses import pauses_in_force
from services.reading.views import RunView
from services.system import System


class ActOnOne(Protocol):
    """Acts on a job or a run, for a reason that is kept."""

    def __call__(self, principal: Principal, system: System, one: UUID, /, *, reason: str | None) -> object: ...


Data = dict[str, Any]
Prepared = TypeVar("Prepared")
DoWithJob = Callable[[Asked, Form, UUID], str]
PageOfOne = tuple[str, Callable[[Asked, UUID], dict[str, Any]]]
"""The page that a form is on: its template, and what loads it."""
_NAMES = shown_again.same("data", "until", "reason")


def job_path(job_id: UUID, done: str) -> str:
    """Returns the path of a job's page, which says what was done."""
    return f"/dashboard/jobs/{job_id}?done={done}"


def run_path(run_id: UUID, done: str) -> str:
    """Returns the path of a run's page, which says what was done."""
    return f"/dashboard/runs/{run_id}?done={done}"


def on_job(site: Site, act: ActOnOne, done: str) -> Responder:
    """Returns a responder that acts on a job, and leads back to it."""

    def do(who: Asked, form: Form, job_id: UUID) -> str:
        act(who.principal, site.system, job_id, reason=site.reason(form))
        return job_path(job_id, done)

    return _by_job(site, do)


def pause(site: Site, page: PageOfOne) -> Responder:
    """Returns a responder that pauses a job, up to an instant if the form has one, and leads back to it."""

    def do(who: Asked, form: Form, job_id: UUID) -> str:
        until = site.until(who, form)
        lifecycle.pause(who.principal, site.system, job_id, until=until, reason=site.reason(form))
        return job_path(job_id, "paused" if until is None else "paused_until")

    return _or_again(site, _as_typed, do, page)


def trigger(site: Site, page: PageOfOne) -> Responder:
    """Returns a responder that runs a job now, with other data if the form has any, and leads to the run."""

    def do(who: Asked, data: Data | None, job_id: UUID) -> str:
        run = requested_runs.trigger(who.principal, site.system, job_id, data)
        return run_path(run.id, _triggered(who.principal, run))

    return _or_again(site, _data, do, page)


def retry(site: Site) -> Responder:
    """Returns a responder that replays the run of a failed job that failed last, and leads to the new run."""

    def do(who: Asked, _form: Form, job_id: UUID) -> str:
        return run_path(requested_runs.retry(who.principal, site.system, job_id), "replayed")

    return _by_job(site, do)


def rewind(site: Site) -> Responder:
    """Returns a responder that rewinds a polling job to a version of its state."""

    def do(who: Asked, form: Form, job_id: UUID) -> str:
        polling_states.rewind(who.principal, site.system, job_id, whole(form, "version"))
        return job_path(job_id, "rewound")

    return _by_job(site, do)


def delete(site: Site) -> Responder:
    """Returns a responder that deletes a job, and leads to the list."""

    def do(who: Asked, form: Form, job_id: UUID) -> str:
        editing.delete(who.principal, site.system, job_id, reason=site.reason(form))
        return "/dashboard/jobs?done=deleted"

    return _by_job(site, do)


def replay(site: Site, page: PageOfOne) -> Responder:
    """Returns a responder that runs again what a run was for, with other data if the form has any; leads to the run.

    A run that completed only if the form says so.
    """

    def do(who: Asked, wanted: tuple[Data | None, bool], run_id: UUID) -> str:
        data, again = wanted
        run = requested_runs.replay(who.principal, site.system, run_id, data, again=again)
        return run_path(run.id, "replayed_again" if again else "replayed")

    return _or_again(site, _replay_wanted, do, page)


def on_run(site: Site, act: ActOnOne, done: str) -> Responder:
    """Returns a responder that acts on a run, and leads back to it."""

    def do(who: Asked, form: Form, run_id: UUID) -> str:
        act(who.principal, site.system, run_id, reason=site.reason(form))
        return run_path(run_id, done)

    return _by_run(site, do)


def _triggered(principal: Principal, run: RunView) -> str:
    """Returns what is said of a run that was made: that it starts soon, or until what is resumed it waits."""
    if run.held_by is not Hold.PAUSED:
        return "triggered"
    paused = [str(one.paused) for one in pauses_in_force.of_job(principal, run.job_id)]
    return f"triggered_{paused[0] if len(paused) == 1 else 'several'}"


def _as_typed(_who: Asked, form: Form) -> Form:
    return form


def _data(_who: Asked, form: Form) -> Data | None:
    return forms.data(form.get("data", ""))


def _replay_wanted(who: Asked, form: Form) -> tuple[Data | None, bool]:
    """Returns the data of a replay, and whether it may be of a run that completed."""
    return _data(who, form), bool(form.get("again"))


def _or_again(
    site: Site,
    prepare: Callable[[Asked, Form], Prepared],
    do: Callable[[Asked, Prepared, UUID], str],
    page: PageOfOne,
) -> Responder:
    """Returns a responder that does what a form asks for, or shows its page again with what is wrong beside its fields.

    `do` gets what `prepare` makes of the form. The one parameter of the responder's path is the id of the job or run.
    """
    template, load = page

    async def respond(req: Request, resp: Response, **path: UUID) -> None:
        form = await site.form(req)
        [one] = path.values()

        def act() -> Awaitable[None]:
            return site.carry_out_prepared(req, resp, form, prepare, lambda who, prepared: do(who, prepared, one))

        await shown_again.or_again(
            site, req, resp, act, template=template, load=lambda who: load(who, one), form=form, names=_NAMES
        )

    return respond


def _by_job(site: Site, do: DoWithJob) -> Responder:
    async def respond(req: Request, resp: Response, job_id: UUID) -> None:
        await site.act(req, resp, lambda who, form: do(who, form, job_id))

    return respond


def _by_run(site: Site, do: DoWithJob) -> Responder:
    async def respond(req: Request, resp: Response, run_id: UUID) -> None:
        await site.act(req, resp, lambda who, form: do(who, form, run_id))

    return respond


def whole(form: Form, name: str) -> int:
    """Returns the whole number in a field. Raises `InvalidInput`."""
    try:
        return int(form.get(name, ""))
    except ValueError:
        raise InvalidInput.at(name, "must be a whole number.") from None
