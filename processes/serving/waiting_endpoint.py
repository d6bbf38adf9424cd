"""What a process answers while it waits for the database at its start: it lives, and is not ready."""

from __future__ import annotations

import threading
from collections.abc import Callable
from contextlib import suppress
from dataclasses import asdict
from http import HTTPStatus
from http.server import ThreadingHTTPServer
from urllib.parse import urlsplit

from processes.programs import ProgramError
from processes.serving.health import HealthHandler, listening
from services.runtime.troubles import Trouble
from settings import Settings

_RETRY_AFTER = {"Retry-After": "1"}
Address = tuple[str, int]


def address_of(settings: Settings, process_name: str) -> Address | None:
    """Returns where a process answers health checks; None if nowhere, or if it shares its port with others."""
    if process_name == "web":
        return None if settings.web_processes > 1 else (settings.host, settings.port)
    return None if settings.health_port is None else (settings.health_host, settings.health_port)


class WaitingEndpoint:
    """Answers 200 to `/healthz`, and 503 with the trouble to everything else, from the first `tell` until it is closed.

    Does nothing without an address, or if its port is taken: the process refuses that itself, once it goes on.
    """

    def __init__(self, address: Address | None) -> None:
        self._address = address
        self._trouble: Trouble | None = None
        self._server: ThreadingHTTPServer | None = None

    def tell(self, trouble: Trouble) -> None:
        """Name this trouble from now on."""
        self._trouble = trouble
        if self._address is None or self._server is not None:
            return
        with suppress(ProgramError):
            self._server = listening(*self._address, _handler(self._troubles))
            threading.Thread(target=self._server.serve_forever, args=(0.1,), name="waiting", daemon=True).start()

    def close(self) -> None:
        """Give the port back, for the process itself."""
        if self._server is not None:
            self._server.shutdown()
            self._server.server_close()

    def _troubles(self) -> list[Trouble]:
        return [] if self._trouble is None else [self._trouble]


def _handler(troubles: Callable[[], list[Trouble]]) -> type[HealthHandler]:
    class Handler(HealthHandler):
        def do_GET(self) -> None:  # noqa: N802  the library's name
            if urlsplit(self.path).path.rstrip("/") == "/healthz":
                super().do_GET()
                return
            told = {"status": "unavailable", "troubles": [asdict(one) for one in troubles()]}
            self.answer(HTTPStatus.SERVICE_UNAVAILABLE, told, _RETRY_AFTER)

        do_POST = do_PUT = do_PATCH = do_DELETE = do_OPTIONS = do_GET  # noqa: N815  the library's names

    return Handler
