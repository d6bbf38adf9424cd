"""What every page is handed: how to read, to show a template, and to carry out what a form asks for."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from datetime import datetime
from functools import partial
from http import HTTPStatus
from typing import Any, TypeVar
from urllib.parse import urlsplit

import falcon
from falcon.asgi import Request, Response

from core import fingerprints
from core.errors import Forbidden
from core.principals import Principal
from core.version import VERSION
from pages import audit_links, forms, instants_typed, navigation, page_request
from pages.audit_links import EntryLinks
from pages.forms import Form, Run
from pages.page_request import Asked
from pages.readers import Readers
from pages.rendering import Templates
from pages.route import see_other
from pages.static_files import StaticFiles
from services.reading.counting import Counts
from services.reading.failures.failing_hosts import FailingHosts
from services.reading.failures.given_up import AllGivenUp
from services.reading.pauses import pauses_in_force
from services.reading.statistics.slow_jobs import SlowJobs
from services.requests import idempotency
from services.system import System

Loaded = TypeVar("Loaded")
Load = Callable[[Asked], Mapping[str, Any]]
Do = Callable[[Asked, Form], str]
DoPrepared = Callable[[Asked, Loaded], str]
IsOpen = Callable[[Principal, str], bool]
"""Whether a principal may load the page at a path, as the access of its operation says."""


_PLAIN: Mapping[str, Any] = {"follows": False, "beside": {}, "typed": {}, "wrong": []}
"""What holds for a page that is not kept up to date, and for whose forms nothing was refused."""


class Site:
    """The parts that pages share."""

    def __init__(
        self, system: System, run: Run, readers: Readers, is_open: IsOpen, *, call: Run, act_on_many: Run
    ) -> None:
        self.system = system
        self.readers = readers
        self.counts = Counts(system.clock)  # of lists, whichever page shows them
        self.slow_jobs = SlowJobs(system)
        self.given_up = AllGivenUp(system)
        self.failing_hosts = FailingHosts(system)
        self.static = StaticFiles()
        self._run = run
        self._call = call
        self._act_on_many = act_on_many
        self._prefix = urlsplit(system.settings.public_url or "").path.rstrip("/")
        common = {"version": VERSION, "address": system.settings.address}
        self._templates = Templates(self.url, self.static.path, common)
        self._is_open = is_open

    def prepare(self) -> None:
        """Prepare the page that most ask for first, and what it shares with the others."""
        self._templates.prepare("macros.html", "base.html", "overview.html")

    def url(self, path: str) -> str:
        """Returns a path of ours as browsers ask for it."""
        return f"{self._prefix}{path}"

    def entry_links(self, who: Asked) -> EntryLinks:
        """Returns where the entries of the audit log lead a reader."""
        return EntryLinks(who, partial(self._is_open, who.principal))

    def shows_audit(self, who: Asked) -> bool:
        """Whether the audit log is open to a reader."""
        return self._is_open(who.principal, audit_links.PATH)

    def asked(self, req: Request) -> Asked:
        """Returns what a request says."""
        return page_request.read(req, self.system.clock.now())

    async def show(self, req: Request, resp: Response, template: str, load: Load) -> None:
        """Answer with a template over what `load` returns; both are work for a thread."""
        resp.content_type = falcon.MEDIA_HTML
        resp.data = await self._run(self._page, template, self.asked(req), _following(req, resp, load))

    async def lead(self, req: Request, resp: Response, find: Callable[[Asked], str]) -> None:
        """Lead to the path that `find` returns, which is work for a thread."""
        see_other(resp, self.url(await self._run(find, self.asked(req))))

    async def lead_away(self, req: Request, resp: Response, find: Callable[[Asked], str]) -> None:
        """Lead to the address that `find` returns, of whatever server, which is work for a thread."""
        see_other(resp, await self._run(find, self.asked(req)))

    async def show_call(self, req: Request, resp: Response, load: Load) -> None:
        """Answer with the test call that `load` makes, in a thread that may wait ten seconds for a receiver."""
        resp.content_type = falcon.MEDIA_HTML
        resp.data = await self._call(self._page, "test_call.html", self.asked(req), load)

    async def show_dry_run(self, req: Request, resp: Response, template: str, load: Load) -> None:
        """Answer as `show` does with what would become of many jobs or runs, in a thread that may take its time."""
        resp.content_type = falcon.MEDIA_HTML
        resp.data = await self._act_on_many(self._page, template, self.asked(req), load)

    async def form(self, req: Request) -> Form:
        """Returns the form that a request posts. Raises as `forms.read` does."""
        return await forms.read(req, self.asked(req), self.system.settings.max_body_bytes, self._run)

    async def act(self, req: Request, resp: Response, do: Do) -> None:
        """Carry out what a form asks for, and lead to the path that `do` returns."""
        await self.carry_out(req, resp, await self.form(req), do)

    async def act_on_many(self, req: Request, resp: Response, do: Do) -> None:
        """Carry out as `act` does what a form asks for with many jobs or runs, in a thread that may take its time."""
        form = await self.form(req)
        see_other(resp, self.url(await self._act_on_many(self.once, self.asked(req), form, do)))

    async def carry_out(self, req: Request, resp: Response, form: Form, do: Do) -> None:
        """Carry out what a form that was read asks for, once under its key, and lead to the path that `do` returns."""
        see_other(resp, self.url(await self._run(self.once, self.asked(req), form, do)))

    def reason(self, form: Form) -> str | None:
        """Returns why something is done, if the form says so. Raises `InvalidInput`."""
        given = form.get(forms.REASON)
        return self.readers.reason({forms.REASON: given}) if given else None

    def until(self, who: Asked, form: Form) -> datetime | None:
        """Returns until when something is paused, as typed on the reader's clocks. Raises `InvalidInput`."""
        given = form.get(forms.UNTIL)
        return instants_typed.expected(forms.UNTIL, given, who.zone) if given else None

    async def carry_out_prepared(
        self, req: Request, resp: Response, form: Form, prepare: Callable[[Asked, Form], Loaded], do: DoPrepared[Loaded]
    ) -> None:
        """Carry out as `carry_out` does; `do` gets what `prepare` returns, which may be slow and locks nothing."""
        see_other(resp, self.url(await self._run(self._once_prepared, self.asked(req), form, prepare, do)))

    def once(self, who: Asked, form: Form, do: Do) -> str:
        """Returns the path that a form leads to. One with a key, sent again, has no second effect and leads there, too.

        Raises `KeyReused` for a form that was sent before with something else in it.
        """
        return self._once_prepared(who, form, lambda _who, given: given, do)

    def _once_prepared(
        self, who: Asked, form: Form, prepare: Callable[[Asked, Form], Loaded], do: DoPrepared[Loaded]
    ) -> str:
        given = {name: value for name, value in form.items() if name != forms.KEY}
        key = form.get(forms.KEY)
        request = None
        if key:
            scope = json.dumps(["page", who.path, str(who.principal.user_id or "")])
            request = idempotency.Request(scope, key, fingerprints.of(given))
        path: str = idempotency.once_prepared(
            self.system, request, lambda: prepare(who, given), lambda prepared: do(who, prepared)
        )
        return path

    def render(self, template: str, who: Asked, context: Mapping[str, Any]) -> bytes:
        """Returns a page that needs nothing from the database."""
        unpaused = {"paused_at": None, "paused_until": None, "pause": None}
        return self._templates.render(template, who, {**unpaused, **_PLAIN, **self._navigation(who), **context})

    def _page(self, template: str, who: Asked, load: Load) -> bytes:
        context = load(who)
        paused = pauses_in_force.of_everything(who.principal) if _is_known(who) else None
        told = {
            "paused_at": paused and paused.since,
            "paused_until": paused and paused.until,
            "pause": paused and paused.by,
            **_PLAIN,
            **self._navigation(who),
        }
        return self._templates.render(template, who, {**told, **context})

    def _navigation(self, who: Asked) -> dict[str, list[navigation.Page]]:
        """Returns the pages that the reader may load, at the head and at the foot; none for strangers."""
        listed = {"pages": navigation.PAGES, "more_pages": navigation.MORE_PAGES}
        return {
            place: [page for page in pages if _is_known(who) and self._is_open(who.principal, page.path)]
            for place, pages in listed.items()
        }


def _following(req: Request, resp: Response, load: Load) -> Load:
    """Returns `load` with whether the page keeps itself up to date, for which it is fetched by GET again and again.

    The answer to a form is not what its address answers to GET, and a refusal is the same each time.
    """
    follows = req.method == "GET" and resp.status_code == HTTPStatus.OK
    return lambda who: {"follows": follows, **load(who)}


def _is_known(who: Asked) -> bool:
    """Whether the reader is no stranger."""
    return who.is_user or who.principal.is_trusted


def if_allowed(look: Callable[[], Loaded]) -> Loaded | None:
    """Returns what there is to see, or None where it is not for this reader: pages leave such parts out."""
    try:
        return look()
    except Forbidden:
        return None
