"""How the receivers of the kept demo answer: in its past, which is simulated, and from then on over HTTP."""

from __future__ import annotations

import json
import threading
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from http import HTTPStatus
from pathlib import Path
from random import Random
from typing import Any
from urllib.parse import urlsplit

from core import receiver_answers
from core.errors import TransientFailure
from core.receiver_answers import PollAnswer
from local.demo_jobs import POLL_SECONDS
from local.receiver import Entry, Receiver
from local.simulation import Behaviour
from services.execution.work import Failed, Succeeded, Work

ROWS = 60_000
SHARE_READ = 0.6
DOWN_MINUTES = 9
SLOW_HOURS = 5
FILE_MISSING_MINUTES = 20
_ROWS_A_POLL = 120
_SLOW = "refresh_recommendations"
_TIMES_SLOWER = 20
_MAX_TIMES_USUAL = 1.35  # no healthy job comes near its limit
_TAKES = {
    "charge_cards": 1.9,
    "make_invoices": 14.0,
    "export_leads": 11.0,
    "back_up_orders": 75.0,
    "nightly_figures": 58.0,
    _SLOW: 12.0,
    "rebuild": 2_400.0,
    "import_bank_file": 0.4,
    "sync_contacts": 4.0,
    "sync_deals": 3.0,
    "reprice": 21.0,
    "warm_cache": 0.7,
    "import_stock": 0.8,
    "resize_image": 2.2,
    "export_orders": 3.0,
}
_OTHERWISE = 1.0
_NO_FILE = "There is no bank file of today."
_NO_IMAGE = "The image cannot be decoded."
_CRM = ("sync_contacts", "sync_deals", "export_leads")


@dataclass(frozen=True)
class Past:
    """How receivers answered until `now`: the CRM's went down, the recommendations became slow, a file is missing."""

    now: datetime
    crm: str

    def behave(self, work: Work, at: datetime, lots: Random) -> Behaviour:
        """Returns how long an attempt took, and how it ended."""
        seconds = _TAKES.get(work.task_type, _OTHERWISE) * min(lots.lognormvariate(0, 0.2), _MAX_TIMES_USUAL)
        if work.task_type == _SLOW and at > self.now - timedelta(hours=SLOW_HOURS):
            seconds *= _TIMES_SLOWER
        if work.task_type in _CRM and at > self.now - timedelta(minutes=DOWN_MINUTES):
            return Behaviour(0.01, Failed(TransientFailure(self._refused())))
        if work.task_type == "import_bank_file" and at > self.now - timedelta(minutes=FILE_MISSING_MINUTES):
            return Behaviour(seconds, _refusal(HTTPStatus.NOT_FOUND, _NO_FILE, at))
        if _is_broken(work.task_type, work.data):
            return Behaviour(0.5, _refusal(HTTPStatus.UNPROCESSABLE_ENTITY, _NO_IMAGE, at))
        if work.task_type == "import_stock":
            return Behaviour(seconds, self._poll(at))
        return Behaviour(seconds, Succeeded(200, '{"status": "success"}'))

    def _refused(self) -> str:
        place = urlsplit(self.crm)
        return f"No connection to {place.hostname} port {place.port}: Connection refused."

    def _poll(self, at: datetime) -> Succeeded:
        polls_left = (self.now - at).total_seconds() / POLL_SECONDS
        answer = _piece(int(ROWS * SHARE_READ - _ROWS_A_POLL * polls_left))
        return Succeeded(
            200,
            '{"status": "success"}',
            PollAnswer(answer["polling_state"], answer["done"], None, answer["progress"], answer["message"]),
        )


class DemoReceiver(Receiver):
    """Answers the calls of the kept demo, as long after as its work takes."""

    def __init__(self, folder: Path) -> None:
        super().__init__(folder=folder, journal_length=0)
        self._stopping = threading.Event()

    def receive(self, entry: Entry) -> tuple[HTTPStatus, dict[str, Any]]:
        """Answers a call; a test call at once, since no work is done for it."""
        if "x-carillon-test" not in entry.headers:
            self._stopping.wait(seconds_now(entry.task_type))
        return answered(entry.task_type, entry.body)

    def stop(self) -> None:
        """Stops listening; calls under way are answered at once."""
        self._stopping.set()
        super().stop()


def seconds_now(task_type: str) -> float:
    """Returns how long the work of a task takes, now that one of them became slow."""
    return _TAKES.get(task_type, _OTHERWISE) * (_TIMES_SLOWER if task_type == _SLOW else 1)


def answered(task_type: str, body: Mapping[str, Any]) -> tuple[HTTPStatus, dict[str, Any]]:
    """Returns the receivers' answer to a call."""
    payload = body.get("payload")
    if task_type == "import_bank_file":
        return HTTPStatus.NOT_FOUND, {"status": "error", "error": _NO_FILE}
    if _is_broken(task_type, payload.get("data") if isinstance(payload, dict) else None):
        return HTTPStatus.UNPROCESSABLE_ENTITY, {"status": "error", "error": _NO_IMAGE}
    if task_type == "import_stock":
        state = body.get("polling_state") or {}
        return HTTPStatus.OK, {"status": "success", **_piece(int(state.get("last_row_index", 0)) + _ROWS_A_POLL)}
    return HTTPStatus.OK, {"status": "success"}


def _piece(read: int) -> dict[str, Any]:
    read = min(max(0, read), ROWS)
    return {
        "polling_state": {"last_row_index": read},
        "done": read == ROWS,
        "progress": {"done": read, "total": ROWS},
        "message": f"stock.csv, row {read:,}",
    }


def _is_broken(task_type: str, data: Any) -> bool:
    """Whether an image cannot be decoded: each ninth."""
    if task_type != "resize_image" or not isinstance(data, dict):
        return False
    return int(str(data.get("image", "")).rpartition("/")[2].partition(".")[0] or 0) % 9 == 4  # noqa: PLR2004


def _refusal(code: HTTPStatus, why: str, at: datetime) -> Failed:
    """Returns what a call records that the receivers of `answered` refuse: the past and later calls are one group."""
    failure = receiver_answers.failure_of(code, None, at)
    assert failure is not None  # noqa: S101  it is no 2xx
    return Failed(failure, json.dumps({"status": "error", "error": why}))
