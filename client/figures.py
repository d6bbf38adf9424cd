"""`carillon upcoming` and `carillon stats`: what is to run, and how many jobs there are."""

from __future__ import annotations

from typing import Annotated

import typer

from client import options, output
from client.options import AsJson, Limit, Text, Url

_TITLES = ("due", "job", "name", "app", "task type")


def upcoming(
    context: typer.Context,
    app: Text = None,
    account: Text = None,
    seconds: Annotated[int, typer.Option(min=1, help="How far ahead to look.")] = 3600,
    limit: Limit = 100,
    as_json: AsJson = False,
    url: Url = None,
) -> None:
    """List what is to run, soonest first."""
    with options.server(context, url) as server:
        found = server.get("/api/upcoming", app_name=app, account_id=account, seconds=seconds, limit=limit)["results"]
    if as_json:
        output.document(found)
        return
    members = ("due_at", "job_id", "job_name", "app_name", "task_type")
    output.table(_TITLES, ([one[member] for member in members] for one in found))


def stats(
    context: typer.Context, app: Text = None, account: Text = None, as_json: AsJson = False, url: Url = None
) -> None:
    """Count jobs by status."""
    with options.server(context, url) as server:
        found = server.get("/api/jobs/stats", app_name=app, account_id=account)
    if as_json:
        output.document(found)
    else:
        output.fields(found)
