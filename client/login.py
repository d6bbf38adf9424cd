"""`carillon login`: a token for the commands that follow."""

from __future__ import annotations

from typing import Annotated

import typer

from client import options
from client.options import AsJson, Url


def login(
    context: typer.Context,
    username: Annotated[str, typer.Argument(show_default=False)],
    as_json: AsJson = False,
    url: Url = None,
) -> None:
    """Print a new token of a user, to be kept in CARILLON_TOKEN; the password is asked for."""
    password = typer.prompt("Password", hide_input=True, err=True)
    with options.server(context, url, known=False) as server:
        answer = server.post("/api/login", {"username": username, "password": password})
    options.show(answer, answer["token"], as_json=as_json)
