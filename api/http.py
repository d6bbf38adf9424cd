"""Requirements of HTTP for every path, independent of the resource: RFC 9110 and 9112."""

from __future__ import annotations

from typing import Any, cast
from urllib.parse import unquote

import falcon.asgi
from falcon.asgi import Request, Response

from api import departures, operations

_SCHEMES = ("http://", "https://")


class App(falcon.asgi.App[Any, Any]):
    """Answers HEAD wherever it answers GET, and accepts a request's target in absolute form, too.

    Notices when the client of a GET leaves, whose answer may have no end.
    """

    @property
    def routes(self) -> operations.Routes:
        """Returns the routes, with what each operation declares."""
        return cast("operations.Routes", self._router)

    def add_route(self, uri_template: str, resource: Any, **options: Any) -> None:
        if hasattr(resource, "on_get") and not hasattr(resource, "on_head"):
            resource.on_head = _head_of(resource)
        super().add_route(uri_template, resource, **options)

    async def __call__(  # type: ignore[override]  # as Falcon's own ASGI app does
        self, scope: dict[str, Any], receive: Any, send: Any
    ) -> None:
        if scope["type"] == "http" and scope["path"].lower().startswith(_SCHEMES):
            scope = _in_origin_form(scope)
        if scope["type"] == "http" and scope["method"] == "GET":
            receive = departures.watched(scope, receive)
        await super().__call__(scope, receive, send)


def _head_of(resource: Any) -> Any:
    """Returns the responder for HEAD: that for GET; Falcon sends only the headers of its answer."""

    @operations.like(resource.on_get)
    async def on_head(req: Request, resp: Response, **parameters: Any) -> None:
        await resource.on_get(req, resp, **parameters)

    return on_head


def _in_origin_form(scope: dict[str, Any]) -> dict[str, Any]:
    """Remove scheme and authority from the target; the authority replaces the Host header, as RFC 9112 demands."""
    raw: bytes = scope.get("raw_path") or scope["path"].encode()
    authority, slash, path = raw.partition(b"://")[2].partition(b"/")
    raw_path = (slash + path) or b"/"
    headers = [(name, value) for name, value in scope["headers"] if name != b"host"]
    return {
        **scope,
        "raw_path": raw_path,
        "path": unquote(raw_path.decode("ascii")),
        "headers": [*headers, (b"host", authority)],
    }
