"""The demo that goes on: a server with a company's busy day in it, and a guide to what is where."""

from __future__ import annotations

import socket
import tempfile
from datetime import UTC, datetime
from pathlib import Path

from local import demo_installation, demo_jobs, foreground
from local.demo_installation import Filled
from local.demo_receivers import DemoReceiver
from local.demonstration import say, serving
from settings import Settings


def kept(settings: Settings, command: list[str]) -> int:
    """Fill an embedded server of its own with a company's busy day, and say where to look.

    It goes on until a signal comes. Returns the server's exit status.
    """
    with (
        foreground.exit_on_signals(),
        socket.socket() as nobody,
        tempfile.TemporaryDirectory(prefix="carillon-demo-") as name,
    ):
        nobody.bind(("127.0.0.1", 0))  # it never listens, and keeps its port from everybody else
        folder = Path(name)
        receiver = DemoReceiver(folder)
        say("Living through a company's week and its busy day; this takes about half a minute.")
        filled = demo_installation.fill_new(
            folder,
            datetime.now(UTC),
            receiver.url,
            f"http://localhost:{nobody.getsockname()[1]}",
        )
        with serving(settings, command, folder, receiver, "ERROR") as (server, url):
            for line in guide(url, filled):
                say(line)
            return server.wait()


def guide(url: str, filled: Filled) -> list[str]:
    """Returns a guide to the installation that a demo keeps: what to look at and where."""
    page = f"{url}/dashboard"
    job = {name: f"jobs/{job_id}" for name, job_id in filled.jobs.items()}
    at = filled.not_run_at.isoformat().replace("+00:00", "Z")
    shown = {
        "": "how it stands, and why",
        f"{job[demo_jobs.NIGHTLY]}?at={at}": "why the nightly invoices did not run at 02:00",
        "upcoming": "what comes, and which jobs meet at 02:00",
        "failures": "what failed and why; the receiver of crm is down",
        "queues": f"{demo_jobs.PARTS} exports of one account, which has used up its rate",
        f"{job[demo_jobs.STOCK]}": "a poll that has read 60 % of its rows",
        f"{job[demo_jobs.SLOW]}": "a job that became slow",
        "jobs?status=paused": "a job that somebody paused, and why",
        "apps/newsletter": "an app that is paused",
        "audit": "who changed what",
    }
    width = max(len(f"{page}/{path}") for path in shown)
    lines = [f"  {f'{page}/{path}':{width}}  {words}" for path, words in shown.items()]
    return ["A company's busy day goes on until Ctrl-C. Where to look:", *lines]
