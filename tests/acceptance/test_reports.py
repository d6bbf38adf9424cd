"""202 and report later, on the real processes: a run waits on while the server dies and comes back."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import requests

from tests.acceptance.installation import Installation
from tests.report_receiver import TOKEN, ReportReceiver, receiving
from tests.waiting import LONGEST, until

PATIENT = {"REPORT_LEASE_SECONDS": "600"}  # the server is to be back before a run that waits is given up


@pytest.fixture
def receiver() -> Iterator[ReportReceiver]:
    with receiving() as server:
        yield server


def report(receiver: ReportReceiver, kind: str, body: Any) -> requests.Response:
    """What the receiver is answered that reports as the newest callback tells it to."""
    url, token = receiver.callbacks[-1]
    return requests.post(f"{url}/{kind}", json=body, headers={TOKEN: token}, timeout=LONGEST)


def test_a_run_waits_for_its_report_while_the_server_dies_and_comes_back(
    tmp_path: Path, receiver: ReportReceiver
) -> None:
    with Installation(tmp_path, {"serve": 1}, PATIENT) as installation:
        job_id = installation.create({"type": "immediate"}, callback_url=receiver.url())
        until(lambda: run(installation, job_id)["waiting_for_report"], "the run to wait for its report")
        installation.kill_and_wait("serve")
        until(installation.is_ready, "the server to come back")
        assert run(installation, job_id)["waiting_for_report"]
        assert report(receiver, "heartbeat", {"seconds": 120}).status_code == 200
        answer = report(receiver, "complete", {"result": {"pages": 3}})
        assert (answer.status_code, answer.json()["outcome"]) == (200, "succeeded")
        assert run(installation, job_id)["status"] == "completed"
        assert len(receiver.callbacks) == 1
        _, token = receiver.callbacks[0]
        assert token not in installation.log.read_text()


def run(installation: Installation, job_id: str) -> dict[str, Any]:
    [only] = installation.runs([job_id])[job_id]
    return only
