"""The demo: one job of each kind, shown in a live table until all have ended."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import requests
from rich.console import Console
from rich.live import Live
from rich.table import Table

from local import ports, starting
from local.receiver import Receiver
from local.sample import write_csv
from processes import programs
from settings import Settings

ROWS = 1_750
CSV = "orders.csv"

_LOOK_AGAIN_SECONDS = 0.25
_TIMEOUT_SECONDS = 180
_GRACE_SECONDS = 30
_WIDTH_OF_A_FILE = 100
_POLLING = "polling a CSV"
_ENDED = ("completed", "failed", "cancelled")


@dataclass
class _Shown:
    """One job of the demo, as last seen."""

    title: str
    request: dict[str, Any]
    id: str = ""
    status: str = "-"
    runs: list[dict[str, Any]] = field(default_factory=list)

    @property
    def ended(self) -> bool:
        return self.status in _ENDED


class _Server:
    """The server that the demo uses, and its secret."""

    def __init__(self, url: str, secret: str | None) -> None:
        self._url = url
        self._headers = {"X-Internal-Secret": secret} if secret else {}

    def create(self, request: dict[str, Any]) -> str:
        answer = requests.post(
            f"{self._url}/api/jobs/create", json=request, headers=self._headers, timeout=_TIMEOUT_SECONDS
        )
        answer.raise_for_status()
        return str(answer.json()["id"])

    def get(self, path: str) -> dict[str, Any]:
        answer = requests.get(self._url + path, headers=self._headers, timeout=_TIMEOUT_SECONDS)
        answer.raise_for_status()
        body: dict[str, Any] = answer.json()
        return body


def on_one_process(settings: Settings, command: list[str]) -> int:
    """Show the demo on an embedded server of its own, in a temporary folder. Returns the exit status."""
    with tempfile.TemporaryDirectory(prefix="carillon-demo-") as name:
        folder = Path(name)
        receiver = Receiver(folder=folder)
        with serving(settings, command, folder, receiver) as (_, url):
            return on(url, folder, _secret(settings))


@contextmanager
def serving(
    settings: Settings, command: list[str], folder: Path, receiver: Receiver, log_level: str = "WARNING"
) -> Iterator[tuple[subprocess.Popen[bytes], str]]:
    """Runs an embedded server on a folder, beside its receiver, while a block lasts."""
    receiver.start()
    port = settings.port if ports.is_free(settings.port) else _any_port()
    url = f"http://127.0.0.1:{port}"
    surroundings = {
        "DATA_DIR": str(folder),
        "PORT": str(port),
        "CALLBACK_BASE_URL": receiver.url,
        "LOG_LEVEL": log_level,
    }
    server = subprocess.Popen(
        command,
        env={**os.environ, **surroundings},
        stdout=subprocess.DEVNULL,
        process_group=0,  # only the demo handles Ctrl-C, and then stops the server in order
    )
    try:
        starting.wait_until_ready(lambda: _is_ready(url), server, Path(os.devnull), name="The server")
        yield server, url
    finally:
        programs.end(server, by=signal.SIGTERM, grace_seconds=_GRACE_SECONDS)
        receiver.stop()


def _secret(settings: Settings) -> str | None:
    return settings.internal_secret.get_secret_value() if settings.internal_secret else None


def say(line: str) -> None:
    """Tell the reader of the terminal something."""
    print(line, flush=True)  # noqa: T201  what a demo is for


def on(url: str, receiver_folder: Path | None, secret: str | None) -> int:
    """Show the demo on the server at this address. Returns 0 if every job completed, else 1.

    Without the folder of its receiver there is no CSV to read, so no job polls.
    """
    server = _Server(url, secret)
    requests_by_title = _requests(datetime.now(UTC))
    if receiver_folder is None:
        del requests_by_title[_POLLING]
    else:
        write_csv(receiver_folder / CSV, ROWS)
    shown = [_Shown(title, request) for title, request in requests_by_title.items()]
    for one in shown:
        one.id = server.create(one.request)
    console = Console() if sys.stdout.isatty() else Console(width=_WIDTH_OF_A_FILE)
    console.print(f"One job of each kind, on {url}; cron has minutes, so this takes up to two of them.")
    _watch(server, shown, console)
    return _report(shown, console)


def _requests(now: datetime) -> dict[str, dict[str, Any]]:
    schedules: dict[str, dict[str, Any]] = {
        "at once": {"type": "immediate"},
        "at an instant": {"type": "run_at", "timestamp": (now + timedelta(seconds=4)).isoformat()},
        "after a delay": {"type": "delay_from_now", "duration_seconds": 2},
        "at an interval, twice": {"type": "interval", "every_seconds": 3, "max_runs": 2},
        "by cron, twice": {"type": "cron", "expression": "* * * * *", "max_runs": 2},
        _POLLING: {"type": "polling", "interval_seconds": 1},
    }
    common = {"app_name": "demo", "user_id": "user1", "account_id": "acc1"}
    return {
        title: {
            **common,
            "task_type": "read_csv" if schedule["type"] == "polling" else "greet",
            "schedule": schedule,
            "data": {"file_path": CSV} if schedule["type"] == "polling" else {"greeting": title},
        }
        for title, schedule in schedules.items()
    }


def _watch(server: _Server, shown: list[_Shown], console: Console) -> None:
    deadline = time.monotonic() + _TIMEOUT_SECONDS
    with Live(_table(shown), console=console, refresh_per_second=4) as live:
        while time.monotonic() < deadline and not all(one.ended for one in shown):
            for one in shown:
                if not one.ended:
                    _look(server, one)
            live.update(_table(shown))
            time.sleep(_LOOK_AGAIN_SECONDS)
    console.print()


def _look(server: _Server, one: _Shown) -> None:
    one.status = str(server.get(f"/api/jobs/{one.id}")["status"])  # first: the runs of one that has ended are all there
    one.runs = list(reversed(server.get(f"/api/jobs/{one.id}/runs")["results"]))


def _table(shown: list[_Shown]) -> Table:
    table = Table("job", "schedule", "status", "runs done", "started late by")
    for one in shown:
        done = [run for run in one.runs if run["status"] == "completed"]
        table.add_row(one.title, _short(one.request["schedule"]), one.status, str(len(done)), _lateness(one.runs))
    return table


def _report(shown: list[_Shown], console: Console) -> int:
    good = all(one.status == "completed" for one in shown)
    runs = sum(run["status"] == "completed" for one in shown for run in one.runs)
    if good:
        polled = any(one.title == _POLLING for one in shown)
        of_csv = f"; the CSV's {ROWS} rows were read 500 a poll" if polled else ""
        console.print(f"All {len(shown)} jobs completed, in {runs} runs{of_csv}.")
    else:
        console.print("Not every job completed: " + ", ".join(f"{one.title}: {one.status}" for one in shown))
    return 0 if good else 1


def _short(schedule: Mapping[str, Any]) -> str:
    return " ".join(str(value).partition(".")[0] for value in schedule.values())


def _lateness(runs: list[dict[str, Any]]) -> str:
    late = [
        (datetime.fromisoformat(run["started_at"]) - datetime.fromisoformat(run["due_at"])).total_seconds()
        for run in runs
        if run["started_at"]
    ]
    return f"{max(late) * 1000:.0f} ms" if late else ""


def _is_ready(url: str) -> bool:
    try:
        return requests.get(f"{url}/readyz", timeout=2).ok
    except requests.RequestException:
        return False


def _any_port() -> int:
    return next(port for port in range(18_000, 18_500) if ports.is_free(port))
