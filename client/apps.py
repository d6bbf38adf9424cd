"""`carillon apps`: list, look at, make, pause, resume, delete."""

from __future__ import annotations

from itertools import islice
from typing import Annotated

import typer

from client import options, output
from client.options import AsJson, Limit, Reason, Until, Url, in_path
from client.words import paused

app = typer.Typer(no_args_is_help=True, rich_markup_mode=None, help="List, make, pause and delete apps.")

AppName = Annotated[str, typer.Argument(metavar="APP", help="The app's name.", show_default=False)]


@app.command("list")
def list_apps(context: typer.Context, limit: Limit = 50, as_json: AsJson = False, url: Url = None) -> None:
    """List the apps that you may see, newest first."""
    with options.server(context, url) as server:
        found = list(islice(server.every("/api/apps"), limit))
    if as_json:
        output.document(found)
        return
    titles = ("name", "callbacks go to", "task types", "paused since")
    output.table(
        titles, ([one["name"], one["callback_base_url"], len(one["task_types"]), one["paused_at"]] for one in found)
    )


@app.command()
def show(context: typer.Context, name: AppName, as_json: AsJson = False, url: Url = None) -> None:
    """Look at an app."""
    with options.server(context, url) as server:
        found = server.get(f"/api/apps/{in_path(name)}")
    if as_json:
        output.document(found)
    else:
        output.fields(found)


@app.command()
def create(
    context: typer.Context,
    name: AppName,
    callback_base_url: Annotated[str | None, typer.Option(help="Where its callbacks go.", show_default=False)] = None,
    as_json: AsJson = False,
    url: Url = None,
) -> None:
    """Make an app; you own it."""
    with options.server(context, url) as server:
        made = server.post("/api/apps", {"name": name, "callback_base_url": callback_base_url})
    options.show(made, f"The app {made['name']} is made.", as_json=as_json)


@app.command()
def pause(
    context: typer.Context,
    name: AppName,
    until: Until = None,
    reason: Reason = None,
    as_json: AsJson = False,
    url: Url = None,
) -> None:
    """Pause an app: none of its runs starts until it is resumed. A second pause replaces --until."""
    given = {"until": until, "reason": reason}
    with options.server(context, url) as server:
        found = server.ask("POST", f"/api/apps/{in_path(name)}/pause", parameters=given).body
    options.show(found, f"The app {found['name']} is {paused(found)}.", as_json=as_json)


@app.command()
def resume(context: typer.Context, name: AppName, as_json: AsJson = False, url: Url = None) -> None:
    """Resume an app, except its jobs that are paused themselves."""
    with options.server(context, url) as server:
        found = server.post(f"/api/apps/{in_path(name)}/resume")
    options.show(found, f"The app {found['name']} is resumed.", as_json=as_json)


@app.command()
def delete(context: typer.Context, name: AppName, reason: Reason = None, url: Url = None) -> None:
    """Delete an app that has no jobs."""
    with options.server(context, url) as server:
        server.ask("DELETE", f"/api/apps/{in_path(name)}", parameters={"reason": reason})
    typer.echo(f"The app {name} is deleted.")
