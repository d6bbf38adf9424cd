"""`carillon audit`: who changed what, and why."""

from __future__ import annotations

from itertools import islice
from typing import Annotated

import typer

from client import options, output
from client.options import AsJson, Limit, Text, Url

_TITLES = ("at", "who", "action", "app", "id", "reason")


def audit(
    context: typer.Context,
    app: Text = None,
    principal: Annotated[str | None, typer.Option(help="By this user, or key by how it begins.")] = None,
    thing: Annotated[str | None, typer.Option(help="job, run, app, member, key or installation.")] = None,
    thing_id: Annotated[str | None, typer.Option("--id", help="The id or name of what was changed.")] = None,
    since: Annotated[str | None, typer.Option(help="At this instant or later.")] = None,
    before: Annotated[str | None, typer.Option(help="Before this instant.")] = None,
    limit: Limit = 50,
    as_json: AsJson = False,
    url: Url = None,
) -> None:
    """List the changes in the apps that you own, newest first."""
    wanted = {
        "app_name": app,
        "principal": principal,
        "thing": thing,
        "thing_id": thing_id,
        "since": since,
        "before": before,
    }
    with options.server(context, url) as server:
        found = list(islice(server.every("/api/audit", **wanted), limit))
    if as_json:
        output.document(found)
        return
    members = ("at", "principal", "action", "app_name", "thing_id", "reason")
    output.table(_TITLES, ([one[member] for member in members] for one in found))
