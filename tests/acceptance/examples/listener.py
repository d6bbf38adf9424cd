"""A receiver that answers byte for byte what a test tells it to."""

from __future__ import annotations

import json
import threading
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

from tests.waiting import LONGEST

SUCCESS = b'{"status": "success"}'


@dataclass(frozen=True)
class Taken:
    """One callback, as it came."""

    path: str
    headers: Mapping[str, str]
    body: dict[str, Any]
    at: datetime

    @property
    def job_id(self) -> str:
        return self.headers["X-Carillon-Job-Id"]

    @property
    def key(self) -> str:
        return self.headers["Idempotency-Key"]


@dataclass(frozen=True)
class Reply:
    """What a callback is answered, byte for byte."""

    status: int = 200
    body: bytes = SUCCESS
    headers: Mapping[str, str] = field(default_factory=dict)


class Listener:
    """A receiver that answers the calls for each job by that job's script; its last line is repeated."""

    def __init__(self) -> None:
        self._calls: list[Taken] = []
        self._changed = threading.Condition()
        self._scripts: dict[str, list[Reply]] = {}
        listener = self

        class Handler(BaseHTTPRequestHandler):
            def do_POST(self) -> None:
                body = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
                reply = listener.take(Taken(self.path, dict(self.headers.items()), body, datetime.now(UTC)))
                self.send_response(reply.status)
                for name, value in {"Content-Length": str(len(reply.body)), **reply.headers}.items():
                    self.send_header(name, value)
                self.end_headers()
                self.wfile.write(reply.body)

            def log_message(self, format: str, *args: Any) -> None:  # noqa: A002
                """Say nothing."""

        self._server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.url = f"http://127.0.0.1:{self._server.server_address[1]}"
        threading.Thread(target=self._server.serve_forever, args=(0.05,), daemon=True).start()

    def close(self) -> None:
        self._server.shutdown()
        self._server.server_close()

    def script(self, task_type: str, *replies: Reply) -> str:
        """Answer calls for this task type so, one after the other; the task type."""
        with self._changed:
            self._scripts[task_type] = list(replies)
        return task_type

    def take(self, call: Taken) -> Reply:
        with self._changed:
            self._calls.append(call)
            self._changed.notify_all()
            script = self._scripts.get(call.path.rpartition("/")[2], [Reply()])
            return script.pop(0) if len(script) > 1 else script[0]

    def of(self, job_id: str) -> list[Taken]:
        """The calls for a job so far."""
        with self._changed:
            return [call for call in self._calls if call.job_id == job_id]

    def wait_for(self, job_id: str, count: int = 1, timeout: float = LONGEST) -> list[Taken]:
        """The calls for a job, once there are so many."""
        with self._changed:
            came = self._changed.wait_for(lambda: sum(call.job_id == job_id for call in self._calls) >= count, timeout)
        assert came, f"waited {timeout} s in vain for {count} calls; {len(self.of(job_id))} came"
        return self.of(job_id)
