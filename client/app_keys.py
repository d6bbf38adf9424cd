"""`carillon keys`: what an app's programs show to the server."""

from __future__ import annotations

from typing import Annotated
from uuid import UUID

import typer

from client import options, output
from client.apps import AppName
from client.options import AsJson, Url, in_path

app = typer.Typer(no_args_is_help=True, rich_markup_mode=None, help="Make, list and revoke keys of apps.")

_TITLES = ("id", "name", "begins with", "scopes", "account", "expires", "last used")


@app.command("list")
def list_keys(context: typer.Context, name: AppName, as_json: AsJson = False, url: Url = None) -> None:
    """List an app's keys, newest first."""
    with options.server(context, url) as server:
        found = server.get(f"/api/apps/{in_path(name)}/keys")["results"]
    if as_json:
        output.document(found)
        return
    members = ("id", "name", "prefix", "scopes", "account_id", "expires_at", "used_at")
    output.table(_TITLES, ([_cell(one[member]) for member in members] for one in found))


@app.command()
def create(
    context: typer.Context,
    name: AppName,
    label: Annotated[str, typer.Option("--name", help="What the key is for.", show_default=False)],
    scope: Annotated[list[str], typer.Option(help="read, operate, jobs or app; may be given again.")],
    account: Annotated[str | None, typer.Option(help="Only for the jobs of this account.", show_default=False)] = None,
    expires: Annotated[str | None, typer.Option(help="Until this instant.", show_default=False)] = None,
    as_json: AsJson = False,
    url: Url = None,
) -> None:
    """Print a new key of an app; it is shown this once."""
    wanted = {"name": label, "scopes": scope, "account_id": account, "expires_at": expires}
    with options.server(context, url) as server:
        made = server.post(f"/api/apps/{in_path(name)}/keys", wanted)
    options.show(made, made["key"], as_json=as_json)


@app.command()
def revoke(
    context: typer.Context,
    name: AppName,
    key_id: Annotated[UUID, typer.Argument(metavar="ID", help="The key's id.", show_default=False)],
    url: Url = None,
) -> None:
    """Revoke a key: within five seconds it opens nothing more."""
    with options.server(context, url) as server:
        server.ask("DELETE", f"/api/apps/{in_path(name)}/keys/{key_id}")
    typer.echo(f"The key {key_id} is revoked.")


def _cell(value: object) -> object:
    return " ".join(value) if isinstance(value, list) else value
