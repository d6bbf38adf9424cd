"""What the actions of the API share: each reads its request, acts in a thread, and answers once."""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any, TypeVar

from falcon.asgi import Request, Response
from pydantic import BaseModel

from api import access, bodies, keys, validation
from api.answers import Answer
from api.schemas.audit import PauseQuery
from api.threads import Threads
from core import instants
from core.principals import Principal
from services.system import System

Given = TypeVar("Given", bound=BaseModel)


class Action:
    """The base of resources that act when they are posted to, at most once for each Idempotency-Key."""

    def __init__(self, system: System, threads: Threads) -> None:
        self._system = system
        self._threads = threads

    async def _by_body(
        self,
        req: Request,
        resp: Response,
        model: type[Given],
        act: Callable[[Principal, Given], Answer],
        parse: Callable[[bytes], Any] = bodies.parse,
    ) -> None:
        """Carry out the request in a JSON body, and answer with the result."""
        body = await bodies.read(req, self._system.settings.max_body_bytes)
        principal = access.principal(req)
        await keys.answer_prepared(
            self._system,
            self._threads,
            req,
            resp,
            content=body,
            prepare=lambda: validation.body(model, parse(body)),
            act=lambda given: act(principal, given),
        )

    async def _by_path(self, req: Request, resp: Response, act: Callable[[Principal], Answer]) -> None:
        """Carry out the request of the address alone, and answer with the result."""
        await self._once(req, resp, await self._content(req), act)

    async def _by_pause(self, req: Request, resp: Response, act: Callable[[Principal, PauseQuery], Answer]) -> None:
        """Carry out a request to pause, whose query says why and until when, and answer with the result."""
        given = validation.query(PauseQuery, req.params)
        content = _with_end(await self._content(req), given)
        await self._once(req, resp, content, lambda principal: act(principal, given))

    async def _content(self, req: Request) -> bytes:
        return await bodies.raw(req, self._system.settings.max_body_bytes)

    async def _once(self, req: Request, resp: Response, content: bytes, act: Callable[[Principal], Answer]) -> None:
        principal = access.principal(req)  # once the body has come, since the caller may have been checked again then
        await keys.answer_once(self._system, self._threads, req, resp, content=content, act=lambda: act(principal))


def _with_end(body: bytes, given: PauseQuery) -> bytes:
    """Returns what an idempotency key stands for: a pause up to another instant is another request."""
    return body if given.until is None else json.dumps([instants.shown(given.until), body.decode("latin-1")]).encode()
