"""The receiver for trying Carillon out, over real HTTP."""

from __future__ import annotations

import json
from collections.abc import Iterator
from http.client import HTTPConnection
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import pytest

from local import sample
from local.receiver import Receiver, read_rows
from tests.waiting import LONGEST


@pytest.fixture
def receiver(tmp_path: Path) -> Iterator[Receiver]:
    folder = tmp_path / "served"
    folder.mkdir()
    started = Receiver(folder=folder)
    started.start()
    yield started
    started.stop()


@pytest.fixture
def file(tmp_path: Path) -> Path:
    return sample.write_csv(tmp_path / "served" / "rows.csv", 1_250)


def _post(receiver: Receiver, body: Any, task_type: str = "import") -> tuple[int, dict[str, Any]]:
    data = body if isinstance(body, bytes) else json.dumps(body).encode()
    return _send(receiver, f"/internal/jobs/{task_type}", data, {"X-Key": "k"})


def _send(receiver: Receiver, path: str, data: bytes, headers: dict[str, str]) -> tuple[int, dict[str, Any]]:
    connection = HTTPConnection(urlsplit(receiver.url).netloc, timeout=LONGEST)
    try:
        connection.request("POST", path, data, headers)
        response = connection.getresponse()
        return response.status, json.loads(response.read())
    finally:
        connection.close()


def _body(file_path: str, **members: Any) -> dict[str, Any]:
    return {"idempotency_key": "k", "payload": {"data": {"file_path": file_path}}, **members}


def test_a_file_is_read_500_rows_a_call(receiver: Receiver, file: Path) -> None:
    state: dict[str, Any] = {}
    seen = []
    for _ in range(3):
        status, answer = _post(receiver, _body("rows.csv", job_id="j", polling_state=state))
        assert (status, answer["status"]) == (200, "success")
        state = answer["polling_state"]
        seen.append((state["last_row_index"], answer["rows_read"], answer["done"]))
    assert seen == [(500, 500, False), (1_000, 500, False), (1_250, 250, True)]


def test_no_row_is_read_twice_or_left_out(file: Path) -> None:
    state: dict[str, Any] = {}
    numbers, done = [], False
    while not done:
        rows, state, done = read_rows(file, state)
        numbers += [int(row[0]) for row in rows]
    assert numbers == list(range(1, 1_251))


def test_a_state_without_an_offset_goes_on_at_its_row(file: Path) -> None:
    rows, state, done = read_rows(file, {"last_row_index": 1_000})
    assert ([int(row[0]) for row in rows], done) == (list(range(1_001, 1_251)), True)
    assert state["last_row_index"] == 1_250


@pytest.mark.parametrize("count", [0, 1, 500, 1_000])
def test_a_file_that_ends_with_a_piece_is_done_at_once(tmp_path: Path, count: int) -> None:
    path = sample.write_csv(tmp_path / "even.csv", count)
    state: dict[str, Any] = {}
    calls, done = 0, False
    while not done:
        _, state, done = read_rows(path, state)
        calls += 1
    assert (state["last_row_index"], calls) == (count, max(1, count // 500))


def test_a_line_break_inside_a_value_is_no_row(tmp_path: Path) -> None:
    path = tmp_path / "quoted.csv"
    path.write_text("a,b\n" + '1,"two\nlines"\n' * 600)
    first, state, done = read_rows(path, {})
    second, _, finished = read_rows(path, state)
    assert (len(first), done, len(second), finished) == (500, False, 100, True)
    assert second[0] == ["1", "two\nlines"]


@pytest.mark.parametrize("path", ["../outside.csv", "/etc/passwd", "link.csv", "a\0b", "."])
def test_a_path_outside_the_folder_is_refused(receiver: Receiver, tmp_path: Path, path: str) -> None:
    outside = sample.write_csv(tmp_path / "outside.csv", 1)
    (tmp_path / "served" / "link.csv").symlink_to(outside)
    status, answer = _post(receiver, _body(path))
    assert status == (404 if path == "." else 403)
    assert answer["status"] == "error"


def test_a_poll_without_a_file_is_done_after_three(receiver: Receiver) -> None:
    state: dict[str, Any] = {}
    done = []
    for _ in range(3):
        _, answer = _post(receiver, {"payload": {}, "polling_state": state})
        state = answer["polling_state"]
        done.append(answer["done"])
    assert (done, state) == ([False, False, True], {"polls": 3})


def test_anything_else_is_echoed_and_journalled(receiver: Receiver) -> None:
    body = {"idempotency_key": "k", "payload": {"data": [1, "\u00e9"]}}
    assert _post(receiver, body, "greet") == (200, {"status": "success", "echo": body})
    assert receiver.wait_for(lambda entries: len(entries) == 1, timeout=LONGEST)
    (entry,) = receiver.journal
    assert (entry.task_type, entry.body, entry.headers["x-key"]) == ("greet", body, "k")
    assert entry.received_at.utcoffset() is not None
    assert not receiver.wait_for(lambda entries: len(entries) == 2, timeout=0)


@pytest.mark.parametrize(
    ("body", "status"),
    [
        (b"{", 400),
        (b"[]", 400),
        (b"[" * 100_000, 400),
        ({"polling_state": []}, 400),
        ({"polling_state": {"polls": "x"}}, 400),
        ({"payload": {"data": {"file_path": 5}}}, 400),
        (_body("missing.csv"), 404),
        (_body("rows.csv", polling_state={"last_row_index": -1}), 400),
    ],
)
def test_wrong_calls_are_refused(receiver: Receiver, file: Path, body: Any, status: int) -> None:
    assert _post(receiver, body)[0] == status


def test_other_paths_and_huge_bodies_are_refused(receiver: Receiver) -> None:
    assert _send(receiver, "/elsewhere", b"{}", {})[0] == 404
    assert _send(receiver, "/internal/jobs/a", b"", {"Content-Length": "999999999"})[0] == 413


def test_a_sample_is_the_same_each_time(tmp_path: Path) -> None:
    first, second = (sample.write_csv(tmp_path / name, 20) for name in ("a.csv", "b.csv"))
    assert first.read_bytes() == second.read_bytes()
    assert len(first.read_text().splitlines()) == 21


def test_calls_share_a_connection_which_ends_when_the_receiver_stops(tmp_path: Path) -> None:
    receiver = Receiver(folder=tmp_path)
    receiver.start()
    connection = HTTPConnection(urlsplit(receiver.url).netloc, timeout=LONGEST)
    for _ in range(2):
        connection.request("POST", "/internal/jobs/greet", b"{}")
        assert connection.getresponse().read()
        assert connection.sock is not None
    receiver.stop()
    assert connection.sock.recv(1) == b""
    connection.close()
