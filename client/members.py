"""`carillon members`: who has which role in an app."""

from __future__ import annotations

from typing import Annotated

import typer

from client import options, output
from client.apps import AppName
from client.options import AsJson, Url, in_path

app = typer.Typer(no_args_is_help=True, rich_markup_mode=None, help="Give roles in apps, and take them.")

Username = Annotated[str, typer.Argument(metavar="USERNAME", help="The user's name.", show_default=False)]


@app.command("list")
def list_members(context: typer.Context, name: AppName, as_json: AsJson = False, url: Url = None) -> None:
    """List an app's members, by name."""
    with options.server(context, url) as server:
        found = server.get(f"/api/apps/{in_path(name)}/members")["results"]
    if as_json:
        output.document(found)
    else:
        output.table(("user", "role", "since"), ([one["username"], one["role"], one["created_at"]] for one in found))


@app.command("set")
def set_role(
    context: typer.Context,
    name: AppName,
    username: Username,
    role: Annotated[str, typer.Argument(metavar="ROLE", help="viewer, operator, developer or owner.")],
    as_json: AsJson = False,
    url: Url = None,
) -> None:
    """Give a user a role in an app, in place of the one they had."""
    with options.server(context, url) as server:
        made = server.ask("PUT", f"/api/apps/{in_path(name)}/members/{in_path(username)}", {"role": role}).body
    options.show(made, f"{made['username']} is {made['role']} of {name}.", as_json=as_json)


@app.command()
def remove(context: typer.Context, name: AppName, username: Username, url: Url = None) -> None:
    """Take a user out of an app."""
    with options.server(context, url) as server:
        server.ask("DELETE", f"/api/apps/{in_path(name)}/members/{in_path(username)}")
    typer.echo(f"{username} is no member of {name} any more.")
