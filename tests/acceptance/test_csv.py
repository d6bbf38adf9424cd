"""A file of 10,000 rows, polled 500 rows a call by the receiver that comes with Carillon."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from local.receiver import Receiver, read_rows
from local.sample import write_csv
from tests.acceptance.conftest import SHARED
from tests.acceptance.installation import Installation
from tests.waiting import until

ROWS, ROWS_A_CALL = 10_000, 500
POLLS = ROWS // ROWS_A_CALL
CSV = "orders.csv"


@pytest.fixture
def receiver(tmp_path: Path) -> Iterator[Receiver]:
    """The receiver that comes with Carillon."""
    folder = tmp_path / "receiver"
    write_csv(folder / CSV, ROWS)
    receiver = Receiver(folder=folder)
    receiver.start()
    yield receiver
    receiver.stop()


@pytest.fixture(params=["embedded", pytest.param("services", marks=SHARED)])
def carillon(request: pytest.FixtureRequest) -> Installation:
    """Both kinds of installation."""
    installation: Installation = request.getfixturevalue(request.param)
    return installation


def test_every_row_is_read_once_in_twenty_polls(carillon: Installation, receiver: Receiver, tmp_path: Path) -> None:
    schedule = {"type": "polling", "interval_seconds": 0.1}
    wanted = {"task_type": "read_csv", "data": {"file_path": CSV}, "board_id": 7}
    job_id = carillon.create(schedule, callback_url=f"{receiver.url}/internal/jobs/read_csv", **wanted)
    until(lambda: carillon.get(f"/api/jobs/{job_id}")["status"] in {"completed", "failed"}, "the job to end")
    job = carillon.get(f"/api/jobs/{job_id}")
    assert (job["status"], job["polling_state"]["last_row_index"]) == ("completed", ROWS)

    states = [entry.body["polling_state"] for entry in receiver.journal]
    assert states[0] == {}
    assert [state.get("last_row_index", 0) for state in states] == list(range(0, ROWS, ROWS_A_CALL))
    pieces = [read_rows(tmp_path / "receiver" / CSV, state) for state in states]
    assert [int(row[0]) for rows, _, _ in pieces for row in rows] == list(range(1, ROWS + 1))
    assert [done for _, _, done in pieces] == [False] * (POLLS - 1) + [True]

    assert len({entry.body["idempotency_key"] for entry in receiver.journal}) == POLLS
    assert len({entry.headers["idempotency-key"] for entry in receiver.journal}) == POLLS
    assert {entry.body["job_id"] for entry in receiver.journal} == {job_id}
    runs = carillon.runs([job_id])[job_id]
    assert [run["status"] for run in runs] == ["completed"] * POLLS
