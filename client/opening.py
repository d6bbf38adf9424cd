"""`carillon open`: the dashboard, or a job's page, in a browser."""

from __future__ import annotations

import webbrowser
from typing import Annotated
from uuid import UUID

import typer

from client import options
from client.errors import CommandFailed
from client.options import Url

JobToOpen = Annotated[UUID | None, typer.Argument(metavar="ID", help="A job, in place of the overview.")]


def open_dashboard(context: typer.Context, job: JobToOpen = None, url: Url = None) -> None:
    """Open the dashboard in a browser."""
    with options.server(context, url) as server:
        server.get("/healthz")
        page = f"{server.url}/dashboard/" if job is None else f"{server.url}/dashboard/jobs/{job}"
        typer.echo(page)
        if not webbrowser.open(page):
            raise CommandFailed("No browser can be started here; open the address above in one.")
