"""`carillon runs`: list, look at, replay, cancel."""

from __future__ import annotations

from itertools import islice
from typing import Annotated, Any
from uuid import UUID

import typer

from client import options, output, words
from client.job_fields import json_or_file
from client.options import AsJson, Data, Limit, RunId, Text, Url
from core.states import Hold

app = typer.Typer(no_args_is_help=True, rich_markup_mode=None, help="List and control runs.")

_TITLES = ("id", "job", "task type", "trigger", "due", "attempts", "status")
_ATTEMPT_TITLES = ("attempt", "started", "finished", "outcome", "error")
_HOLD_TITLES = ("held by", "key", "since", "until", "behind")


@app.command("list")
def list_runs(
    context: typer.Context,
    job: Annotated[UUID | None, typer.Option(metavar="ID", help="Of this job.")] = None,
    app: Text = None,
    account: Text = None,
    task_type: Text = None,
    status: Annotated[str | None, typer.Option(help="For example running, retrying or failed.")] = None,
    trigger: Annotated[str | None, typer.Option(help="schedule, poll, manual, retry or backfill.")] = None,
    due_from: Annotated[str | None, typer.Option(help="Due at this instant or later.")] = None,
    due_before: Annotated[str | None, typer.Option(help="Due before this instant.")] = None,
    held_by: Annotated[str | None, typer.Option(help=f"Held, for one of: {', '.join(Hold)}.")] = None,
    failure: Annotated[str | None, typer.Option(help="Failed for this reason: the whole message of a failure.")] = None,
    host: Annotated[str | None, typer.Option(help="Failed, having called this host last.")] = None,
    limit: Limit = 50,
    as_json: AsJson = False,
    url: Url = None,
) -> None:
    """List runs, newest first."""
    wanted = {
        "job_id": job,
        "app_name": app,
        "account_id": account,
        "task_type": task_type,
        "status": status,
        "trigger": trigger,
        "due_from": due_from,
        "due_before": due_before,
        "held_by": held_by,
        "failure": failure,
        "host": host,
    }
    with options.server(context, url) as server:
        found = list(islice(server.every("/api/runs", **wanted), limit))
    if as_json:
        output.document(found)
        return
    output.table(
        _TITLES,
        (
            [
                run["id"],
                run["job_id"],
                run["task_type"],
                run["trigger"],
                run["due_at"],
                run["attempt_count"],
                words.state_of_run(run),
            ]
            for run in found
        ),
    )


@app.command()
def show(context: typer.Context, run_id: RunId, as_json: AsJson = False, url: Url = None) -> None:
    """Look at a run, with what held it and every attempt at it."""
    with options.server(context, url) as server:
        run = server.get(f"/api/runs/{run_id}")
    print_run(run, as_json=as_json)


def print_run(run: dict[str, Any], *, as_json: bool) -> None:
    """Print a run with every attempt at it, for people or for programs."""
    if as_json:
        output.document(run)
        return
    attempts, holds = run.pop("attempts"), run.pop("holds", [])
    output.fields(run)
    if holds:
        typer.echo()
        output.table(_HOLD_TITLES, map(_hold, holds))
    if attempts:
        typer.echo()
        output.table(
            _ATTEMPT_TITLES,
            (
                [one["number"], one["started_at"], one["finished_at"], one["outcome"], one["error_message"]]
                for one in attempts
            ),
        )


@app.command()
def replay(
    context: typer.Context,
    run_id: RunId,
    data: Data = None,
    again: Annotated[bool, typer.Option("--again", help="Even if it completed: its receiver is called again.")] = False,
    as_json: AsJson = False,
    url: Url = None,
) -> None:
    """Run again what a run that failed or was cancelled was for, with its data or other data."""
    body = {} if data is None else {"data": json_or_file("--data", data)}
    body |= {"again": True} if again else {}
    _act(context, run_id, "replay", url, body or None, as_json=as_json)


@app.command()
def cancel(context: typer.Context, run_id: RunId, as_json: AsJson = False, url: Url = None) -> None:
    """Cancel a run: at once, or, if it is running, as soon as its worker has stopped it."""
    _act(context, run_id, "cancel", url, as_json=as_json)


def _act(
    context: typer.Context, run_id: UUID, action: str, url: str | None, body: Any = None, *, as_json: bool
) -> None:
    with options.server(context, url) as server:
        run = server.post(f"/api/runs/{run_id}/{action}", body)
    options.show(run, f"Run {run['id']} is {run['status']}.", as_json=as_json)


def _hold(one: dict[str, Any]) -> list[Any]:
    return [*(one[member] for member in ("held_by", "key", "since", "until")), ", ".join(one["holders"])]
