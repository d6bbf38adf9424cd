"""A small receiver for trying Carillon out: it reads CSV files piece by piece, counts polls, and echoes.

`POST /internal/jobs/<task_type>` receives callbacks. Standard library only.
"""

from __future__ import annotations

import argparse
import csv
import json
import re
import socket
import threading
from collections import deque
from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from datetime import UTC, datetime
from http import HTTPStatus
from http.server import BaseHTTPRequestHandler
from itertools import islice
from pathlib import Path
from typing import Any, BinaryIO

from processes.serving.quiet_server import QuietServer
from processes.signals import StopSignals

ROWS_PER_CALL = 500
POLLS_UNTIL_DONE = 3
JOURNAL_LENGTH = 10_000
BODY_CAP_BYTES = 16 * 1024 * 1024

_PATH = re.compile(r"/internal/jobs/([^/?#]+)/?")


@dataclass(frozen=True)
class Entry:
    """One call as it was received. Header names have lower case. `received_at` is UTC."""

    received_at: datetime
    task_type: str
    headers: Mapping[str, str]
    body: dict[str, Any]


class Receiver:
    """Listens on loopback from `start` to `stop` and keeps a journal of the newest 10,000 calls.

    Port 0 takes a free one. `file_path` in a job's data is served from inside `folder` only.
    """

    def __init__(self, *, folder: Path, port: int = 0, journal_length: int = JOURNAL_LENGTH) -> None:
        self._folder = folder.resolve()
        self._journal: deque[Entry] = deque(maxlen=journal_length)
        self._changed = threading.Condition()
        self._server = _Server(("127.0.0.1", port), _Handler)
        self._server.receive = self.receive
        self._thread = threading.Thread(target=self._server.serve_forever, args=(0.05,), name="receiver", daemon=True)

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self._server.server_address[1]}"

    @property
    def journal(self) -> list[Entry]:
        """Returns the received calls, oldest first."""
        with self._changed:
            return list(self._journal)

    def start(self) -> None:
        self._thread.start()

    def stop(self) -> None:
        """Stops listening, and ends kept connections. To be called once, after `start`."""
        self._server.shutdown()
        self._thread.join()
        self._server.end_connections()
        self._server.server_close()

    def wait_for(self, predicate: Callable[[Sequence[Entry]], bool], timeout: float) -> bool:
        """Waits until the journal fulfils `predicate`, at most `timeout` seconds; says whether it did."""
        with self._changed:
            return self._changed.wait_for(lambda: predicate(tuple(self._journal)), timeout)

    def receive(self, entry: Entry) -> tuple[HTTPStatus, dict[str, Any]]:
        """Records a call in the journal and answers it."""
        with self._changed:
            self._journal.append(entry)
            self._changed.notify_all()
        try:
            return HTTPStatus.OK, self._answer(entry.body)
        except _RefusedError as refused:
            return refused.status, {"status": "error", "error": str(refused)}

    def _answer(self, body: dict[str, Any]) -> dict[str, Any]:
        state = body.get("polling_state")
        if state is not None and not isinstance(state, dict):
            raise _RefusedError(HTTPStatus.BAD_REQUEST, "polling_state must be an object.")
        file_path = _file_path(body)
        if file_path is not None:
            return {"status": "success", **_read_piece(self._inside(file_path), state or {})}
        if state is not None:
            return {"status": "success", **_count_poll(state)}
        return {"status": "success", "echo": body}

    def _inside(self, file_path: str) -> Path:
        try:
            path = (self._folder / file_path).resolve()
        except (ValueError, OSError) as error:
            raise _RefusedError(HTTPStatus.FORBIDDEN, "file_path is not a path.") from error
        if not path.is_relative_to(self._folder):
            raise _RefusedError(HTTPStatus.FORBIDDEN, "file_path must lie inside the receiver's folder.")
        if not path.is_file():
            raise _RefusedError(HTTPStatus.NOT_FOUND, f"There is no file {file_path}.")
        return path


def read_rows(path: Path, state: Mapping[str, Any]) -> tuple[list[list[str]], dict[str, Any], bool]:
    """Returns the next 500 rows after those that `state` counts, the new state, and whether they were the last.

    `last_row_index` is the number of the last row read, from 1 after the header row. `byte_offset` says where
    the next begins, so that a long file is not read again from its start; a state without it is served too.
    """
    index = _whole_number(state, "last_row_index")
    with path.open("rb") as file:
        records = _records(file)
        if "byte_offset" in state:
            file.seek(_whole_number(state, "byte_offset"))
        else:
            deque(islice(records, 1 + index), maxlen=0)  # skips the header row and the rows already read
        rows = list(islice(records, ROWS_PER_CALL))
        following = {"last_row_index": index + len(rows), "byte_offset": file.tell()}
        return rows, following, next(records, None) is None


class _RefusedError(Exception):
    def __init__(self, status: HTTPStatus, message: str) -> None:
        super().__init__(message)
        self.status = status


class _Server(QuietServer):
    request_queue_size = 1024
    receive: Callable[[Entry], tuple[HTTPStatus, dict[str, Any]]]

    def __init__(self, *about: Any) -> None:
        super().__init__(*about)
        self._open: set[Any] = set()

    def process_request(self, request: Any, client_address: Any) -> None:
        """Answers the requests of a connection, in a thread of its own."""
        self._open.add(request)
        super().process_request(request, client_address)

    def shutdown_request(self, request: Any) -> None:
        """Closes a connection."""
        self._open.discard(request)
        super().shutdown_request(request)

    def end_connections(self) -> None:
        """Ends the connections that callers keep; nothing more is answered over them."""
        for connection in list(self._open):
            with suppress(OSError):
                connection.shutdown(socket.SHUT_RDWR)


class _Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    disable_nagle_algorithm = True
    wbufsize = -1  # an answer leaves in one piece
    timeout = 60
    server: _Server

    def do_POST(self) -> None:
        try:
            entry = self._entry()
        except _RefusedError as refused:
            self.close_connection = True  # its body was not read, so no other request can follow
            self._send(refused.status, {"status": "error", "error": str(refused)})
        else:
            self._send(*self.server.receive(entry))

    def log_message(self, format: str, *args: Any) -> None:  # noqa: A002  the standard library's name
        """Logs nothing: the journal has every call."""

    def _entry(self) -> Entry:
        path = _PATH.fullmatch(self.path)
        if path is None:
            raise _RefusedError(HTTPStatus.NOT_FOUND, "Calls go to /internal/jobs/<task_type>.")
        return Entry(
            received_at=datetime.now(UTC),
            task_type=path[1],
            headers={name.lower(): value for name, value in self.headers.items()},
            body=self._body(),
        )

    def _body(self) -> dict[str, Any]:
        length = self.headers.get("Content-Length", "")
        if not re.fullmatch("[0-9]{1,12}", length):
            raise _RefusedError(HTTPStatus.LENGTH_REQUIRED, "Content-Length must say how long the body is.")
        if int(length) > BODY_CAP_BYTES:
            raise _RefusedError(HTTPStatus.REQUEST_ENTITY_TOO_LARGE, "The body is larger than 16 MiB.")
        try:
            body = json.loads(self.rfile.read(int(length)))
        except (ValueError, RecursionError) as error:
            raise _RefusedError(HTTPStatus.BAD_REQUEST, "The body is not JSON.") from error
        if not isinstance(body, dict):
            raise _RefusedError(HTTPStatus.BAD_REQUEST, "The body is not a JSON object.")
        return body

    def _send(self, status: HTTPStatus, answer: dict[str, Any]) -> None:
        body = json.dumps(answer).encode()
        self.send_response(status)
        self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", str(len(body)))
        if self.close_connection:
            self.send_header("Connection", "close")
        self.end_headers()
        self.wfile.write(body)


def _file_path(body: dict[str, Any]) -> str | None:
    payload = body.get("payload")
    data = payload.get("data") if isinstance(payload, dict) else None
    file_path = data.get("file_path") if isinstance(data, dict) else None
    if file_path is not None and not isinstance(file_path, str):
        raise _RefusedError(HTTPStatus.BAD_REQUEST, "file_path must be a text.")
    return file_path


def _read_piece(path: Path, state: Mapping[str, Any]) -> dict[str, Any]:
    try:
        rows, following, done = read_rows(path, state)
    except (UnicodeDecodeError, csv.Error) as error:
        raise _RefusedError(HTTPStatus.UNPROCESSABLE_ENTITY, f"The file is not CSV in UTF-8: {error}.") from error
    return {"polling_state": following, "done": done, "rows_read": len(rows)}


def _records(file: BinaryIO) -> Any:
    """The rows of a CSV file, blank lines left out; takes no more of the file than the rows asked for."""
    lines = (line.decode("utf-8-sig") for line in iter(file.readline, b""))
    return (record for record in csv.reader(lines) if record)


def _whole_number(state: Mapping[str, Any], name: str) -> int:
    value = state.get(name, 0)
    if not isinstance(value, int) or isinstance(value, bool) or not 0 <= value < 2**63:
        raise _RefusedError(HTTPStatus.BAD_REQUEST, f"polling_state.{name} must be a whole number from 0.")
    return value


def _count_poll(state: Mapping[str, Any]) -> dict[str, Any]:
    polls = _whole_number(state, "polls") + 1
    return {"polling_state": {"polls": polls}, "done": polls >= POLLS_UNTIL_DONE}


def _main() -> None:
    parser = argparse.ArgumentParser(prog="python -m local.receiver", description=__doc__)
    parser.add_argument("--port", type=int, default=9000)
    parser.add_argument("--folder", type=Path, required=True)
    options = parser.parse_args()
    signals = StopSignals(threading.Event())
    receiver = Receiver(folder=options.folder, port=options.port)
    receiver.start()
    print(f"Listening on {receiver.url}, serving files of {options.folder}", flush=True)  # noqa: T201  its work
    signals.wait()
    receiver.stop()


if __name__ == "__main__":
    _main()
