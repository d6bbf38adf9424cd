"""What holds for every answer of a page: the headers that browsers obey, and refusals as pages."""

from __future__ import annotations

import json
from http import HTTPStatus
from typing import Any
from urllib.parse import quote, urlencode

import falcon
from falcon.asgi import Request, Response

from pages import forms, words
from pages.list_filters import CURSOR
from pages.route import see_other
from pages.site import Site

HOME = "/dashboard/"
ACCOUNT_PATHS = ("/login", "/register", "/logout", "/forgot", "/reset")
_PREFIXES = ("/dashboard/", "/task/")
_PATHS = ("/dashboard", "/admin", "/task", "/oidc/login", "/oidc/callback")
POLICY = (
    "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' data:; connect-src 'self'; "
    "form-action 'self'; base-uri 'none'; frame-ancestors 'none'"
)
_API = "/api/"
_PROBLEM = "application/problem+json"


class PageAnswers:
    """Leads browsers from `/` to the dashboard, and makes a page of each refusal that a page's request gets."""

    def __init__(self, site: Site) -> None:
        self._site = site

    async def process_startup(self, _scope: Any, _event: Any) -> None:
        self._site.prepare()

    async def process_request(self, req: Request, resp: Response) -> None:
        if req.path == "/" and _is_by_browser(req):
            see_other(resp, self._site.url(HOME))
            resp.complete = True

    async def process_response(self, req: Request, resp: Response, resource: Any, _well: bool) -> None:
        if not (_is_for_page(req) or (resource is None and _is_mistyped(req))):
            return
        if (resp.content_type or "").startswith(_PROBLEM):
            self._refuse(req, resp)
        resp.set_header("Content-Security-Policy", POLICY)
        resp.set_header("Referrer-Policy", "same-origin")
        if resp.get_header("Cache-Control") is None:
            resp.set_header("Cache-Control", "no-store")

    def _refuse(self, req: Request, resp: Response) -> None:
        problem = json.loads(resp.data or b"{}")
        if problem["status"] == HTTPStatus.UNAUTHORIZED:
            self._lead_to_login(req, resp)
            return
        if req.context.get("principal") is None:  # refused before anyone was asked who they are
            resp.content_type = falcon.MEDIA_TEXT
            resp.data = f"{problem['title']}: {problem['detail']}\n".encode()
            return
        told = {"problem": _in_words(problem), "words_of_status": words.refusal(problem["status"]), "anew": _anew(req)}
        resp.content_type = falcon.MEDIA_HTML
        resp.data = self._site.render("error.html", self._site.asked(req), told)

    def _lead_to_login(self, req: Request, resp: Response) -> None:
        """Lead a stranger to the login, and from there back to a page that they wanted to see."""
        wanted = f"?next={quote(_as_asked_for(req), safe='')}" if req.method == "GET" else ""
        see_other(resp, self._site.url(f"/login/{wanted}"))
        resp.data = None
        resp.content_type = falcon.MEDIA_HTML


def _in_words(problem: dict[str, Any]) -> dict[str, Any]:
    """Returns a problem as a page tells it: what is not found has no address for programs."""
    if problem["status"] == HTTPStatus.NOT_FOUND and "errors" not in problem and "openapi" in problem["detail"]:
        return {**problem, "detail": words.NO_PAGE}
    return problem


def _anew(req: Request) -> str:
    """Returns where a list begins again whose cursor an address has; empty without one."""
    others = {name: value for name, value in req.params.items() if name != CURSOR}
    path = quote(req.path) + (f"?{urlencode(others, doseq=True)}" if others else "")
    return path if CURSOR in req.params else ""


def _as_asked_for(req: Request) -> str:
    """Returns the path and query of a request as a browser asks for them: Falcon has the path decoded."""
    return quote(req.path) + (f"?{req.query_string}" if req.query_string else "")


def _is_by_browser(req: Request) -> bool:
    """Whether somebody looks at an address with a browser: programs do not ask for HTML."""
    return req.method == "GET" and falcon.MEDIA_HTML.partition(";")[0] in (req.accept or "")


def _is_mistyped(req: Request) -> bool:
    """Whether somebody looks at an address of no page, which nothing answers, outside the API."""
    return _is_by_browser(req) and not req.path.startswith(_API)


def _is_for_page(req: Request) -> bool:
    """Whether a browser asks for a page: account paths answer programs, too."""
    if req.path in ACCOUNT_PATHS:
        return req.method == "GET" or forms.is_form(req)
    return req.path in _PATHS or req.path.startswith(_PREFIXES)
