"""What all commands share: where the server is, how to print, and faults in plain lines with exit code 1."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from typing import Annotated
from uuid import UUID

import typer

from client.errors import CommandFailed
from client.server import Server

DEFAULT_URL = "http://127.0.0.1:8000"

Url = Annotated[
    str | None,
    typer.Option("--url", help=f"The server's address.  [env: CARILLON_URL; default: {DEFAULT_URL}]", metavar="URL"),
]
AsJson = Annotated[bool, typer.Option("--json", help="Print JSON for programs, and nothing else.")]
Limit = Annotated[int, typer.Option("--limit", min=1, help="At most so many.")]
JobId = Annotated[UUID, typer.Argument(metavar="ID", help="The job's id.", show_default=False)]
RunId = Annotated[UUID, typer.Argument(metavar="ID", help="The run's id.", show_default=False)]


@contextmanager
def server(context: typer.Context, url: str | None) -> Iterator[Server]:
    """The server that is meant: named by the option, else by the environment, which whoever composes hands in."""
    environment: Mapping[str, str] = context.obj or {}
    with plain_faults():
        yield Server(url or environment.get("CARILLON_URL") or DEFAULT_URL, environment.get("INTERNAL_SECRET"))


@contextmanager
def plain_faults() -> Iterator[None]:
    """Say in plain lines what went wrong, and exit with 1."""
    try:
        yield
    except CommandFailed as failure:
        for line in failure.lines:
            typer.echo(line, err=True)
        raise typer.Exit(1) from None
