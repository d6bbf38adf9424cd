"""The base of resources that take passwords."""

from __future__ import annotations

from typing import TypeVar

from falcon.asgi import Request
from pydantic import BaseModel

from api import bodies, posted_forms, validation
from api.threads import Threads
from services.access.login_throttle import Throttle
from services.system import System

M = TypeVar("M", bound=BaseModel)


class Hashing:
    """Hashes passwords in a few threads of their own, since each takes much time and memory, and counts guesses."""

    def __init__(self, system: System, hashing: Threads, throttle: Throttle) -> None:
        self._system = system
        self._hashing = hashing
        self._throttle = throttle

    async def _sent(self, model: type[M], req: Request) -> M:
        """Returns the model of what a request carries, as JSON or as a form. Raises `InvalidInput`."""
        most = min(bodies.MAX_BYTES_OPEN_TO_ALL, self._system.settings.max_body_bytes)
        body = await posted_forms.read(req, most)
        return await bodies.parsed(
            body, self._hashing, lambda given: validation.body(model, posted_forms.parse(req, given))
        )
