"""`carillon breakers`: the hosts that are not called since most calls to them failed, and closing a breaker by hand."""

from __future__ import annotations

from typing import Annotated, Any

import typer

from client import options, output
from client.errors import CommandFailed
from client.options import AsJson, Reason, Url, in_path
from client.server import Server

app = typer.Typer(no_args_is_help=True, rich_markup_mode=None, help="List and close the breakers of hosts.")

Host = Annotated[
    str, typer.Argument(metavar="HOST", help="As `list` shows it, for example api.example.com.", show_default=False)
]
OfApp = Annotated[str | None, typer.Option("--app", help="As this app calls it.", show_default=False)]

_TITLES = ("host", "app", "open since", "at once", "tried from", "waiting")
_MEMBERS = ("host", "app_name", "opened_at", "places", "probe_at", "waiting")
_PATH = "/api/breakers"


@app.command("list")
def list_breakers(context: typer.Context, as_json: AsJson = False, url: Url = None) -> None:
    """List the hosts with an open circuit breaker, and how many runs wait for each."""
    with options.server(context, url) as server:
        found = server.get(_PATH)["results"]
    if as_json:
        output.document(found)
        return
    output.table(_TITLES, ([one[member] for member in _MEMBERS] for one in found))


@app.command()
def close(context: typer.Context, host: Host, app_name: OfApp = None, reason: Reason = None, url: Url = None) -> None:
    """Close the breaker of a host, for example once it is repaired; the runs that it holds continue."""
    with options.server(context, url) as server:
        found = _breaker(server, host, app_name)
        server.ask("DELETE", f"{_PATH}/{in_path(found['key'])}", parameters={"reason": reason})
    typer.echo(f"The breaker of {found['host']} is closed.")


def _breaker(server: Server, host: str, app_name: str | None) -> dict[str, Any]:
    """Returns the one open breaker of a host, of an app if that is named."""
    of_host = [one for one in server.get(_PATH)["results"] if one["host"] == host.lower()]
    found = [one for one in of_host if app_name in (None, one["app_name"])]
    if len(found) > 1:
        apps = ", ".join(one["app_name"] for one in found)
        raise CommandFailed(f"{host} has an open breaker for several apps ({apps}); name one with --app.")
    if not found:
        calls = "" if app_name is None else f" as {app_name} calls it"
        raise CommandFailed(f"No breaker of {host}{calls} is open; `carillon breakers list` shows those that are.")
    return dict(found[0])
