"""Every page: its path, who answers it, and the operation of the API whose access it shares."""

from __future__ import annotations

from collections.abc import Callable

from pages.middleware import HOME
from pages.resources.accounts import LOGIN, LOGOUT, REGISTER, AccountPage
from pages.resources.jobs import Jobs
from pages.resources.preferences import Preferences
from pages.routes import FOR_EVERYONE, Answer, Responder, Route, leading_to
from pages.site import Site

_LIST_JOBS = "GET /api/jobs"


def routes(site: Site, answering: Callable[[str], Responder]) -> list[Route]:
    """Returns the pages of a site. `answering` finds the API's responder for posts to a path."""
    return [
        Route("/dashboard/static/{name}", get=Answer(site.static.show, FOR_EVERYONE)),
        *_accounts(site, answering),
        Route("/admin", get=Answer(leading_to(site.url(HOME)), FOR_EVERYONE)),
        Route("/dashboard", get=Answer(Jobs(site).show, _LIST_JOBS)),
        Route("/dashboard/jobs", get=Answer(Jobs(site).show, _LIST_JOBS)),
        Route("/dashboard/settings", post=Answer(Preferences(site).keep, _LIST_JOBS)),
    ]


def _accounts(site: Site, answering: Callable[[str], Responder]) -> list[Route]:
    pages = {form.path.rstrip("/"): form for form in (LOGIN, REGISTER, LOGOUT)}
    made = {path: AccountPage(site, form, answering(path)) for path, form in pages.items()}
    return [
        Route(path, get=Answer(page.show, FOR_EVERYONE), post=Answer(page.post, f"POST {path}"))
        for path, page in made.items()
    ]
