"""The common options of all commands: the server, the output, and faults in plain lines.

A command exits with 2 for what the user gave, and with 1 for what the server did.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from typing import Annotated
from uuid import UUID

import typer

from client import given
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
    """Yields the server that the option names, else the environment, which the command line passes in."""
    environment: Mapping[str, str] = context.obj or {}
    with plain_faults():
        secret = given.secret("INTERNAL_SECRET", environment.get("INTERNAL_SECRET"))
        yield Server(_address(url, environment), secret)


def _address(url: str | None, environment: Mapping[str, str]) -> str:
    if url is not None:
        return given.address("--url", url)
    return given.address("CARILLON_URL", environment.get("CARILLON_URL", "").strip() or DEFAULT_URL)


@contextmanager
def plain_faults() -> Iterator[None]:
    """Report errors in plain lines, and exit with their code."""
    try:
        yield
    except CommandFailed as failure:
        for line in failure.lines:
            typer.echo(line, err=True)
        raise typer.Exit(failure.exit_code) from None
