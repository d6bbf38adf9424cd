"""The common options of all commands: the server, the output, and faults in plain lines.

A command exits with 2 for what the user gave, and with 1 for what the server did.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from typing import Annotated, Any
from urllib.parse import quote
from uuid import UUID

import typer

from client import connection_options, output
from client.errors import CommandFailed
from client.server import Server

DEFAULT_URL = "http://127.0.0.1:8000"

Url = Annotated[
    str | None,
    typer.Option("--url", help=f"The server's address.  [env: CARILLON_URL; default: {DEFAULT_URL}]", metavar="URL"),
]
AsJson = Annotated[bool, typer.Option("--json", help="Print JSON for programs, and nothing else.")]
Limit = Annotated[int, typer.Option("--limit", min=1, help="At most this many.")]
JobId = Annotated[UUID, typer.Argument(metavar="ID", help="The job's id.", show_default=False)]
RunId = Annotated[UUID, typer.Argument(metavar="ID", help="The run's id.", show_default=False)]


Text = Annotated[str | None, typer.Option(show_default=False)]
Data = Annotated[
    str | None, typer.Option("--data", help="Other data: JSON, @FILE, or - for standard input.", show_default=False)
]
Until = Annotated[
    str | None,
    typer.Option(
        "--until", metavar="INSTANT", help="Resumed by itself then; else when someone resumes.", show_default=False
    ),
]
Metadata = Annotated[
    str | None,
    typer.Option(
        "--metadata", metavar="KEY:VALUE", help="With this member of the metadata, at its top.", show_default=False
    ),
]
Paused = Annotated[
    bool | None,
    typer.Option("--paused/--not-paused", help="By itself, with its app or with everything.", show_default=False),
]
Reason = Annotated[str | None, typer.Option("--reason", help="Why: kept in the audit log.", show_default=False)]


@contextmanager
def server(context: typer.Context, url: str | None, *, known: bool = True) -> Iterator[Server]:
    """Yields the server named by the option, else by the environment.

    It is shown the token or key, else the secret; with `known=False`, neither.
    """
    environment: Mapping[str, str] = context.obj or {}
    with plain_faults():
        secret = connection_options.secret("INTERNAL_SECRET", environment.get("INTERNAL_SECRET"))
        token = connection_options.secret("CARILLON_TOKEN", environment.get("CARILLON_TOKEN"))
        yield Server(_address(url, environment), secret if known else None, token if known else None)


def show(made: dict[str, Any], words: str, *, as_json: bool) -> None:
    """Print what was made: in these words, or for programs."""
    if as_json:
        output.document(made)
    else:
        typer.echo(words)


def in_path(name: str) -> str:
    """Returns a name as it stands in a path. Raises `BadParameter` for one that is no text."""
    try:
        return quote(name, safe="")
    except UnicodeError:
        raise typer.BadParameter("a name is not in UTF-8; write it again.") from None


def _address(url: str | None, environment: Mapping[str, str]) -> str:
    if url is not None:
        return connection_options.address("--url", url)
    return connection_options.address("CARILLON_URL", environment.get("CARILLON_URL", "").strip() or DEFAULT_URL)


@contextmanager
def plain_faults() -> Iterator[None]:
    """Report errors in plain lines, and exit with their code."""
    try:
        yield
    except CommandFailed as failure:
        for line in failure.lines:
            typer.echo(line, err=True)
        raise typer.Exit(failure.exit_code) from None
