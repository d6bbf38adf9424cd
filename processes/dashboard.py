"""The dashboard beside the API on one port: the only place that knows both rooms."""

from __future__ import annotations

import functools
from collections.abc import Callable, Sequence
from types import MethodType, SimpleNamespace
from typing import Any

from api import access
from api.http import App
from api.operations import Operation, Required, with_operation
from api.threads import Threads
from core.errors import Forbidden
from core.principals import Principal
from pages import routes
from pages.middleware import PageAnswers
from pages.resources.overview import Signs
from pages.route import Answer, Responder, Route
from pages.site import Site
from processes import page_readers
from services.execution.test_call_places import MAX_AT_ONCE
from services.runtime.troubles import Trouble
from services.system import System

_THREADS = 3
"""Pages have threads of their own, few: a heavy page never holds up the API."""

_MAX_ACTING = 2  # for bulk actions, so that they delay no other page


def add_to(
    app: App,
    system: System,
    broker_is_up: Callable[[], bool] = lambda: True,
    troubles: Callable[[], Sequence[Trouble]] = tuple,
) -> App:
    """Add the pages to the API's app; the app."""
    threads = Threads(_THREADS)
    calling = Threads(MAX_AT_ONCE, share=MAX_AT_ONCE)
    acting = Threads(_MAX_ACTING)
    readers, is_open = page_readers.readers(system), functools.partial(_is_open, app)
    site = Site(system, threads.run, readers, is_open, call=calling.run, act_on_many=acting.run)
    app.add_middleware([PageAnswers(site), threads, calling, acting])
    change_password = app.routes.resource_at("/api/me/password").change
    uploads = app.routes.resource_at("/api/jobs/upload-file")
    signs = Signs(broker_is_up, troubles)
    shown = routes.of_site(site, signs, lambda path: _posts_to(app, path), change_password, uploads)
    # All are made before the first is added: a look-up after an addition recompiles the whole router.
    for path, resource in [(route.path, _resource(app, route)) for route in shown]:
        app.add_route(path, resource)
    return app


def _resource(app: App, route: Route) -> SimpleNamespace:
    resource = SimpleNamespace()
    for method, answer in route.answers().items():
        responder = _declared(app, answer, _of_the_api(app, route.path, method))
        setattr(resource, f"on_{method.lower()}", MethodType(responder, resource))  # only methods are documented
    return resource


def _posts_to(app: App, path: str) -> Responder:
    responder = _of_the_api(app, path, "POST")
    if responder is None:
        raise RuntimeError(f"The API does not answer POST {path}, which a page passes forms on to.")
    return responder


def _of_the_api(app: App, path: str, method: str) -> Responder | None:
    """Returns the API's own responder where a page is put in front of it."""
    return getattr(app.routes.resource_at(path), f"on_{method.lower()}", None)


def _declared(app: App, answer: Answer, behind: Responder | None) -> Any:
    """Returns a page's responder with the access of the operation it names; documented as the one behind it."""
    respond, operation = answer.respond, _operation(app, answer.like)

    async def responder(_resource: Any, req: Any, resp: Any, **parameters: Any) -> None:
        if not operation.access.is_open:
            access.refuse_two_credentials(req)
        await respond(req, resp, **parameters)

    if behind is not None:
        functools.update_wrapper(responder, behind)
    return with_operation(operation)(responder)


def _is_open(app: App, principal: Principal, path: str) -> bool:
    """Whether a page's operation is open to a principal at all, so that its link should be shown."""
    try:
        app.routes.declared(path.rstrip("/"), "GET").expect(principal)
    except Forbidden:
        return False
    return True


def _operation(app: App, like: str | None) -> Operation:
    if like is None:
        return Operation(Required.NOTHING)
    method, path = like.split(" ")
    return app.routes.declared(path, method)
