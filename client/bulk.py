"""`carillon jobs bulk`: one action on every job that fits a filter."""

from __future__ import annotations

from typing import Annotated, Any

import typer

from client import options, output
from client.options import AsJson, Metadata, Paused, Reason, Text, Until, Url
from client.server import Server
from core import schedules

_ACTIONS = "pause, resume, cancel, delete, retry or trigger"


def bulk(
    context: typer.Context,
    action: Annotated[str, typer.Argument(help=f"{_ACTIONS}.", show_default=False)],
    app: Text = None,
    account: Text = None,
    user: Text = None,
    status: Annotated[str | None, typer.Option(help="For example running, paused or failed.")] = None,
    is_paused: Paused = None,
    task_type: Text = None,
    kind: Annotated[str | None, typer.Option(help=f"Of schedule: {', '.join(schedules.KINDS)}.")] = None,
    name: Text = None,
    tag: Text = None,
    created_from: Annotated[str | None, typer.Option(help="Created at this instant or later.")] = None,
    created_before: Annotated[str | None, typer.Option(help="Created before this instant.")] = None,
    search: Annotated[str | None, typer.Option(help="A part of the name, title, task type or app's name.")] = None,
    metadata: Metadata = None,
    everything: Annotated[bool, typer.Option("--all", help="Where no filter is given: all jobs.")] = False,
    dry_run: Annotated[bool, typer.Option("--dry-run", help="Say what would happen, and change nothing.")] = False,
    until: Until = None,
    reason: Reason = None,
    as_json: AsJson = False,
    url: Url = None,
) -> None:
    """Do something with every job that fits all that is given."""
    given = {
        "app_name": app,
        "account_id": account,
        "user_id": user,
        "status": status,
        "paused": is_paused,
        "task_type": task_type,
        "kind": kind,
        "name": name,
        "tag": tag,
        "created_from": created_from,
        "created_before": created_before,
        "search": search,
        "metadata": metadata,
    }
    wanted = {name: value for name, value in given.items() if value is not None}
    body = {"action": action, "filter": wanted, "all": everything, "dry_run": dry_run, "reason": reason}
    if until is not None:
        body["until"] = until
    with options.server(context, url) as server:
        found = _done(server, body)
    if as_json:
        output.document(found)
        return
    would = "would change" if dry_run else "changed"
    typer.echo(f"{found['changed']} of {found['matched']} jobs {would}.")
    if found["refused"]:
        output.table(("id", "why not"), ([one["id"], one["detail"]] for one in found["refused"]))


def _done(server: Server, body: dict[str, Any]) -> dict[str, Any]:
    """Returns what became of all that fit, from one batch to the next."""
    found: dict[str, Any] = {"matched": 0, "changed": 0, "refused": [], "dry_run": body["dry_run"]}
    cursor: dict[str, str] = {}
    while True:
        one = server.post("/api/jobs/actions", {**body, **cursor})
        for name in ("matched", "changed", "refused"):
            found[name] += one[name]
        if not one["more"]:
            return found
        cursor = {"cursor": one["cursor"]}
