"""The live channel of a real process: both kinds of listener hear of a job, and both are sent away when it stops."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import requests
from websockets.exceptions import ConnectionClosed, InvalidStatus
from websockets.sync.client import connect

from tests.acceptance.conftest import QUICK
from tests.acceptance.installation import ROOT, new_job
from tests.acceptance.journal import Journal
from tests.acceptance.test_shutdown import Process
from tests.waiting import LONGEST

JOB = new_job({"type": "delay_from_now", "duration_seconds": 3_600})


@pytest.fixture
def carillon(tmp_path: Path, journal: Journal) -> Iterator[Process]:
    its_own = {"DATA_DIR": str(tmp_path / "data"), "CALLBACK_BASE_URL": journal.url, "SHUTDOWN_GRACE_SECONDS": "600"}
    process = Process("serve", {"PATH": "/usr/bin:/bin", **QUICK, **its_own}, tmp_path / "serve.log")
    yield process
    process.kill()


def test_listeners_and_the_printed_client_hear_of_a_job_and_are_sent_away_when_the_process_stops(
    carillon: Process,
) -> None:
    hear_as_the_documentation_does(carillon)
    address = carillon.url.replace("http", "ws")
    with (
        requests.get(f"{carillon.url}/api/events", stream=True, timeout=LONGEST) as stream,
        connect(f"{address}/ws/jobs/status/", open_timeout=LONGEST) as channel,
    ):
        lines = stream.iter_lines(decode_unicode=True)
        assert next(lines).startswith(":")
        made = requests.post(f"{carillon.url}/api/jobs/create", json=JOB, timeout=LONGEST).json()["id"]
        assert told(lines)["job"]["id"] == made
        assert json.loads(channel.recv(LONGEST))["id"] == made
        with pytest.raises(InvalidStatus) as refused:
            connect(f"{address}/ws/nowhere", open_timeout=LONGEST)
        assert refused.value.response.status_code == 403
        carillon.terminate()
        with pytest.raises(ConnectionClosed) as closed:
            channel.recv(LONGEST)
        assert closed.value.rcvd is not None
        assert closed.value.rcvd.code == 1001
        assert [line for line in lines if line.startswith(("event", "data"))] == []  # it ends as a whole answer does
    assert carillon.exit_status() == 0


def hear_as_the_documentation_does(carillon: Process) -> None:
    """Assert that the client that docs/live.md prints hears of a job."""
    example = re.search(r"```python\n(.*?)```", (ROOT / "docs/live.md").read_text(), re.DOTALL)
    assert example is not None
    names: dict[str, Any] = {}
    exec(example[1], names)  # noqa: S102  our own
    heard = names["changes"](carillon.url, topics="jobs,stats")
    assert next(heard)[0] == "stats"
    made = requests.post(f"{carillon.url}/api/jobs/create", json=JOB, timeout=LONGEST).json()["id"]
    assert next(data for event, data in heard if event == "job")["job"]["id"] == made


def told(lines: Iterator[Any]) -> Any:
    """The data of the next event."""
    return next(json.loads(line.removeprefix("data: ")) for line in lines if line.startswith("data: "))
