"""`carillon workers`: the processes that execute runs, and draining one; for administrators."""

from __future__ import annotations

from typing import Annotated
from uuid import UUID

import typer

from client import options, output
from client.options import AsJson, Reason, Url

app = typer.Typer(no_args_is_help=True, rich_markup_mode=None, help="List and drain workers.")

WorkerId = Annotated[UUID, typer.Argument(metavar="ID", help="As `list` shows it.", show_default=False)]

_MEMBERS = ("id", "status", "host", "pid", "version", "running", "threads", "started_at", "heartbeat_at")
_OTHER_MEMBERS = ("kind", "status", "host", "pid", "version", "started_at", "seen_at")
_OTHER_TITLES = ("kind", "status", "host", "process", "version", "started", "last heard of")
_TITLES = ("id", "status", "host", "process", "version", "running", "threads", "started", "last heartbeat")


@app.command("list")
def list_workers(context: typer.Context, as_json: AsJson = False, url: Url = None) -> None:
    """List the workers that were alive in the last day, the last started first."""
    with options.server(context, url) as server:
        found = server.get("/api/workers")["results"]
    if as_json:
        output.document(found)
        return
    output.table(_TITLES, ([one[member] for member in _MEMBERS] for one in found))


@app.command()
def others(context: typer.Context, as_json: AsJson = False, url: Url = None) -> None:
    """List the other processes that were alive in the last day: web, coordinators, periodic."""
    with options.server(context, url) as server:
        found = server.get("/api/processes")["results"]
    if as_json:
        output.document(found)
        return
    output.table(_OTHER_TITLES, ([one[member] for member in _OTHER_MEMBERS] for one in found))


@app.command()
def drain(
    context: typer.Context, worker_id: WorkerId, reason: Reason = None, as_json: AsJson = False, url: Url = None
) -> None:
    """Ask a worker to finish its runs and take no more. Once drained it may be stopped; restarted, it takes runs."""
    _put(context, "POST", worker_id, reason, url, as_json=as_json)


@app.command()
def undrain(
    context: typer.Context, worker_id: WorkerId, reason: Reason = None, as_json: AsJson = False, url: Url = None
) -> None:
    """End the drain of a worker: it takes runs again."""
    _put(context, "DELETE", worker_id, reason, url, as_json=as_json)


def _put(
    context: typer.Context, method: str, worker_id: UUID, reason: str | None, url: str | None, *, as_json: bool
) -> None:
    with options.server(context, url) as server:
        found = server.ask(method, f"/api/workers/{worker_id}/drain", parameters={"reason": reason}).body
    options.show(found, f"The worker {worker_id} is {found['status']}, with {found['running']} runs.", as_json=as_json)
