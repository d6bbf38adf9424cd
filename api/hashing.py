"""The base of resources that take passwords."""

from __future__ import annotations

from falcon.asgi import Request

from api import posted_forms
from api.threads import Threads
from services.access.login_throttle import Throttle
from services.system import System


class Hashing:
    """Hashes passwords in a few threads of their own, since each takes much time and memory, and counts guesses."""

    def __init__(self, system: System, hashing: Threads, throttle: Throttle) -> None:
        self._system = system
        self._hashing = hashing
        self._throttle = throttle

    async def _sent(self, req: Request) -> object:
        return await posted_forms.sent(req, self._system.settings.max_body_bytes)
