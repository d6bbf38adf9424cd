"""The live channels of a real process: each kind of listener hears of a job, and all are sent away when it stops."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import requests
from websockets.exceptions import ConnectionClosed, InvalidStatus
from websockets.sync.client import ClientConnection, connect

from tests.acceptance.conftest import QUICK
from tests.acceptance.examples_of_live import blocks, next_data
from tests.acceptance.journal import Journal
from tests.acceptance.process import Process
from tests.waiting import LONGEST

ACCOUNT = {"username": "ada", "email": "ada@example.com", "password": "correct horse battery"}
JOB = {"name": "Report", "estimated_duration": 5}
STATUSES, OWN_JOBS = "/ws/jobs/status/", "/ws/jobs/"


class Enough(Exception):  # noqa: N818  nothing has gone wrong
    """Ends a printed client, which would go on for ever."""


class Listener:
    """A user of a real process, who may listen and make jobs."""

    def __init__(self, process: Process) -> None:
        self.url = process.url
        self.headers: dict[str, str] = {}
        self.ask("POST", "/api/register/", ACCOUNT)
        self.token = str(self.ask("POST", "/api/login/", ACCOUNT)["token"])
        self.headers = {"Authorization": f"Token {self.token}"}

    def ask(self, method: str, path: str, body: object = None) -> Any:
        """What is answered, which must be a good answer."""
        answer = requests.request(method, self.url + path, json=body, headers=self.headers, timeout=LONGEST)
        assert answer.ok, answer.text
        return answer.json() if answer.content else None

    def make(self) -> str:
        """A new job in the spelling of section 004; its id."""
        return str(self.ask("POST", "/jobs/api/jobs", JOB)["id"])

    def opened(self, path: str, **headers: str) -> ClientConnection:
        """A channel, opened with a token in the headers unless others are given."""
        return connect(self.sockets + path, additional_headers=headers or self.headers, open_timeout=LONGEST)

    @property
    def sockets(self) -> str:
        """Where WebSockets are opened."""
        return self.url.replace("http", "ws")


@pytest.fixture
def process(tmp_path: Path, journal: Journal) -> Iterator[Process]:
    its_own = {"DATA_DIR": str(tmp_path / "data"), "CALLBACK_BASE_URL": journal.url, "SHUTDOWN_GRACE_SECONDS": "600"}
    known = {"PATH": "/usr/bin:/bin", "INTERNAL_SECRET": "what the operator knows"}
    process = Process("serve", {**known, **QUICK, **its_own}, tmp_path / "serve.log")
    yield process
    process.kill()


def test_listeners_and_the_printed_clients_hear_of_a_job_and_are_sent_away_when_the_process_stops(
    process: Process,
) -> None:
    one = Listener(process)
    hear_events_as_printed(one)
    hear_frames_as_printed(one)
    refuse_a_token_in_the_address(one)
    followed = one.make()
    with (
        requests.get(f"{one.url}/api/events", headers=one.headers, stream=True, timeout=LONGEST) as stream,
        one.opened(f"/ws/jobs/{followed}/") as of_000,
        one.opened(STATUSES) as of_001,
        one.opened(OWN_JOBS) as of_004,
    ):
        lines = stream.iter_lines(decode_unicode=True)
        assert next(lines).startswith(":")
        made = one.make()
        while next_data(lines)["job"]["id"] != made:
            pass  # of the first one, which goes on meanwhile
        assert next_frame(of_001, id=made)["status"]
        assert next(frame for frame in frames(of_004, type="job_update") if frame["data"]["id"] == made)
        one.ask("DELETE", f"/api/jobs/{followed}")
        assert next_frame(of_000, status="deleted") == {"event": "job_update", "status": "deleted", "log": None}
        process.terminate()
        assert [close_code(channel) for channel in (of_000, of_001, of_004)] == [1001] * 3
        list(lines)  # which ends as a whole answer does, or this raises
    assert process.exit_status() == 0


def hear_events_as_printed(one: Listener) -> None:
    """Assert that the first client that docs/live.md prints hears of a job."""
    names: dict[str, Any] = {}
    exec(blocks("python")[0], names)  # noqa: S102  our own
    heard = names["changes"](one.url, one.headers, topics="jobs,stats")
    assert next(heard)[0] == "stats"
    made = one.make()
    assert next(data for event, data in heard if event == "job")["job"]["id"] == made


def hear_frames_as_printed(one: Listener) -> None:
    """Assert that the second one, which prints what it hears, is told which jobs are running."""
    printed: list[tuple[str, Any]] = []

    def note(kind: str, data: Any) -> None:
        printed.append((kind, data))
        if kind == "jobs":
            raise Enough

    client = blocks("python")[1].replace("ws://127.0.0.1:8000", one.sockets)
    with pytest.raises(Enough):
        exec(client, {"token": one.token, "print": note})  # noqa: S102  our own
    assert printed[0][0] == "stats"
    assert isinstance(printed[-1][1], list)


def refuse_a_token_in_the_address(one: Listener) -> None:
    """Assert that no channel is opened by a token that stands in its address, where logs have it, nor by none."""
    for path in (f"{OWN_JOBS}?token={one.token}", f"{STATUSES}?token={one.token}", "/ws/nowhere"):
        with pytest.raises(InvalidStatus) as refused:
            one.opened(path, **{"X-Nothing": "shown"})
        assert refused.value.response.status_code == 403, path


def frames(channel: ClientConnection, **members: Any) -> Iterator[dict[str, Any]]:
    """The frames with these members; others are passed over."""
    while True:
        frame = json.loads(channel.recv(LONGEST))
        if frame.items() >= members.items():
            yield frame


def next_frame(channel: ClientConnection, **members: Any) -> dict[str, Any]:
    return next(frames(channel, **members))


def close_code(channel: ClientConnection) -> int | None:
    """The code with which the server closes a channel."""
    with pytest.raises(ConnectionClosed) as closed:
        next_frame(channel, never="told")
    return None if closed.value.rcvd is None else closed.value.rcvd.code
