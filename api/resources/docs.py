"""The API's root, the OpenAPI document, and Swagger UI from offapi's files: nothing is loaded from other servers."""

from __future__ import annotations

import functools
import json
from collections.abc import Callable, Mapping
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import falcon
from falcon.asgi import Request, Response

from api import answers
from api.openapi import documented
from api.operations import Required, operation
from api.schemas.reports import FrontDoor
from api.threads import Threads

_PAGE = b"""<!DOCTYPE html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<title>Carillon API</title>
<link rel="icon" href="data:,">
<link rel="stylesheet" href="/swagger/swagger_style.css">
</head>
<body>
<div id="swagger-ui"></div>
<script src="/swagger/swagger_bundle.js"></script>
<script src="/swagger/start.js"></script>
</body>
</html>
"""
_START = b"""SwaggerUIBundle({url: "/openapi.json", dom_id: "#swagger-ui", deepLinking: true});
"""
_ASSETS = {"swagger_bundle.js": falcon.MEDIA_JS, "swagger_style.css": "text/css; charset=utf-8"}
_KEEP = "max-age=86400"


class Root:
    """`/`."""

    @documented("getFrontDoor", "health", {200: FrontDoor}, access=Required.NOTHING)
    async def on_get(self, _req: Request, resp: Response) -> None:
        """Show what this server is, and where its documentation is."""
        answers.send(resp, FrontDoor())


class OpenApi:
    """`/openapi.json`: made at the first request, since it takes longer than the rest of a start."""

    def __init__(self, threads: Threads, make: Callable[[], Mapping[str, Any]]) -> None:
        self._threads = threads
        self._data = functools.cache(lambda: json.dumps(make()).encode())

    @operation(access=Required.NOTHING)
    async def on_get(self, _req: Request, resp: Response) -> None:
        resp.content_type = falcon.MEDIA_JSON
        resp.data = await self._threads.run(self._data)


class SwaggerPage:
    """`/swagger/`."""

    @operation(access=Required.NOTHING)
    async def on_get(self, _req: Request, resp: Response) -> None:
        resp.content_type = falcon.MEDIA_HTML
        resp.data = _PAGE


class SwaggerAsset:
    """`/swagger/{file}`: only those files of the folder that the page needs."""

    def __init__(self, threads: Threads) -> None:
        self._threads = threads
        folder = _offapi_folder()
        self._content = functools.cache(lambda file: (folder / file).read_bytes())  # one for all who read it slowly

    @operation(access=Required.NOTHING)
    async def on_get(self, _req: Request, resp: Response, file: str) -> None:
        if file == "start.js":
            resp.content_type, resp.data = falcon.MEDIA_JS, _START
        elif file in _ASSETS:
            resp.content_type = _ASSETS[file]
            resp.data = await self._threads.run(self._content, file)
        else:
            raise falcon.HTTPNotFound
        resp.set_header("Cache-Control", _KEEP)


def _offapi_folder() -> Path:
    """Returns offapi's folder, without an import of it, which would read 45 MB into memory."""
    found = find_spec("offapi")
    if found is None or found.origin is None:
        raise RuntimeError("The package offapi is missing; install requirements.txt.")
    return Path(found.origin).parent
