"""The load of a drill: what is sent where, sent again, and edited."""

from __future__ import annotations

import json
import threading
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

from bench.drills.kinds import MIXED
from bench.drills.load import Load
from bench.waiting import until

EDITED = [kind for kind in MIXED if kind.is_edited]


class Api(ThreadingHTTPServer):
    """Makes and edits any job, but refuses so many requests first; notes all of them."""

    daemon_threads = True

    def __init__(self, refuses: int) -> None:
        super().__init__(("127.0.0.1", 0), Handler)
        self.refuses = refuses
        self.requested: list[str] = []
        self.url = f"http://127.0.0.1:{self.server_address[1]}"


class Handler(BaseHTTPRequestHandler):
    server: Api

    def do_POST(self) -> None:
        self._answer("POST")

    def do_PATCH(self) -> None:
        self._answer(f"PATCH {self.path}")

    def _answer(self, request: str) -> None:
        sent = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
        self.server.requested.append(f"{request} {sent['data'].get('edition')}")
        is_refused = len(self.server.requested) <= self.server.refuses
        answer = b"{}" if is_refused else b'{"id": "j1"}'
        self.send_response(503 if is_refused else 200)
        self.send_header("Content-Length", str(len(answer)))
        self.end_headers()
        self.wfile.write(answer)

    def log_message(self, format: str, *args: object) -> None:  # noqa: A002  the standard library's name
        """Say nothing."""


@contextmanager
def listening(refuses: int = 0) -> Iterator[Api]:
    with ExitStack() as parts:
        api = Api(refuses)
        parts.callback(api.server_close)
        threading.Thread(target=api.serve_forever, args=(0.1,), daemon=True).start()
        parts.callback(api.shutdown)
        yield api


def created(urls: list[str]) -> Load:
    """Returns a load of jobs that are edited, which is over."""
    with Load(urls, EDITED, per_second=1_000, threads=1) as load:
        until(lambda: len(load.acknowledged()) > 3, "some jobs")
    return load


def test_a_job_is_edited_at_the_next_address_once_it_was_acknowledged() -> None:
    with listening() as first, listening() as second:
        load = created([first.url, second.url])
    assert {(one.id, one.is_edited) for one in load.created()[:3]} == {("j1", True)}
    # Jobs are numbered from 1: odd ones are made at the second address.
    assert second.requested[:2] == ["POST 0", "PATCH /api/jobs/j1 1"]
    assert first.requested[:2] == ["PATCH /api/jobs/j1 1", "POST 0"]


def test_what_one_address_refuses_is_sent_to_the_next() -> None:
    with listening() as first, listening(refuses=2) as second:
        load = created([first.url, second.url])
    assert load.refused == {"503": 2}
    assert all(one.is_edited for one in load.created()[:3])
    assert first.requested[:2] == ["POST 0", "PATCH /api/jobs/j1 1"]


def test_what_nobody_answers_is_sent_again_and_not_taken_for_acknowledged() -> None:
    with Load(["http://127.0.0.1:9"], per_second=1_000, threads=1) as load:
        until(lambda: load.refused["ConnectionError"] > 1, "a second try")
    assert load.acknowledged() == []
