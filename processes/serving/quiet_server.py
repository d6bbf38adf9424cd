"""A server of the standard library that says nothing of callers who hang up."""

from __future__ import annotations

import sys
from http.server import ThreadingHTTPServer
from typing import Any


class QuietServer(ThreadingHTTPServer):
    """Answers each connection in a thread of its own; an error other than a caller's hanging up is printed."""

    daemon_threads = True

    def handle_error(self, request: Any, client_address: Any) -> None:
        """Print the error that a request has met, unless it is that its caller has hung up."""
        if not isinstance(sys.exception(), ConnectionError):
            super().handle_error(request, client_address)
