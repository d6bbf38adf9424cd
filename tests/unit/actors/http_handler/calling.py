"""One call to this machine, and a good answer to it."""

from __future__ import annotations

from typing import Any

from actors.calls import http
from core.networks import LOOPBACK, Reach
from services.runtime.abort_scope import AbortScope

HERE = Reach(LOOPBACK)
OK = b"HTTP/1.1 200 OK\r\nContent-Length: 4\r\n\r\ndone"


def call(url: str, **changes: Any) -> http.Answer:
    request = http.Call(url, **{"body": b'{"a": 1}', "headers": {}, "reach": HERE, **changes})
    return http.call(request, AbortScope())
