"""A proxy that serves an address under a path, and takes the path off, as one in front of Carillon does."""

from __future__ import annotations

import http.client
import threading
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Self

from tests.waiting import LONGEST

PREFIX = "/carillon"
_PIECE = 65_536
_OF_A_CONNECTION = ("connection", "keep-alive", "transfer-encoding")


class Proxy:
    """Listens on loopback; `target` is set once it is known. What lies outside the prefix is not there."""

    def __init__(self) -> None:
        self.target = ("127.0.0.1", 0)
        self.strays: list[str] = []
        proxy = self

        class Handler(BaseHTTPRequestHandler):
            def do_GET(self) -> None:
                proxy.pass_on(self)

            do_POST = do_GET  # noqa: N815  the name that the server looks for

            def log_message(self, format: str, *args: object) -> None:  # noqa: A002
                """Say nothing."""

        class Server(ThreadingHTTPServer):
            daemon_threads = True

        self._server = Server(("127.0.0.1", 0), Handler)
        self.url = f"http://127.0.0.1:{self._server.server_address[1]}{PREFIX}"

    def __enter__(self) -> Self:
        threading.Thread(target=self._server.serve_forever, args=(0.05,), daemon=True).start()
        return self

    def __exit__(self, *_: object) -> None:
        self._server.shutdown()
        self._server.server_close()

    def pass_on(self, asked: BaseHTTPRequestHandler) -> None:
        """Answer a request as the target does, piece by piece as it comes."""
        if not asked.path.startswith(f"{PREFIX}/"):
            self.strays.append(asked.path)
            asked.send_error(404)
            return
        connection = http.client.HTTPConnection(*self.target, timeout=LONGEST)
        try:
            body = asked.rfile.read(int(asked.headers.get("Content-Length") or 0))
            headers = {name: value for name, value in asked.headers.items() if name.lower() not in _OF_A_CONNECTION}
            connection.request(asked.command, asked.path.removeprefix(PREFIX), body or None, headers)
            _send(asked, connection.getresponse())
        except OSError:
            asked.close_connection = True  # the browser or the server has gone
        finally:
            connection.close()


def _send(asked: BaseHTTPRequestHandler, answer: http.client.HTTPResponse) -> None:
    asked.send_response_only(answer.status, answer.reason)
    for name, value in answer.getheaders():
        if name.lower() not in _OF_A_CONNECTION:
            asked.send_header(name, value)
    asked.send_header("Connection", "close")
    asked.end_headers()
    while piece := answer.read1(_PIECE):
        asked.wfile.write(piece)
        asked.wfile.flush()
