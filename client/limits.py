"""`carillon limits`: what a key allows, how much of it is used, and what waits."""

from __future__ import annotations

from itertools import islice
from typing import Annotated, Any

import typer

from client import options, output
from client.options import AsJson, Limit, Reason, Url, in_path
from core.limit_keys import SPELLINGS

app = typer.Typer(no_args_is_help=True, rich_markup_mode=None, help="List, set and remove limits by key.")

Key = Annotated[
    str,
    typer.Argument(
        metavar="KEY",
        help=f"{SPELLINGS}.",
        show_default=False,
    ),
]

_TITLES = ("key", "at once", "rate", "weight", "running", "room", "waiting", "room again", "expires")


@app.command("list")
def list_limits(context: typer.Context, limit: Limit = 50, as_json: AsJson = False, url: Url = None) -> None:
    """List the limited keys that you may see: their use, and what waits."""
    with options.server(context, url) as server:
        found = list(islice(server.every("/api/limits"), limit))
    if as_json:
        output.document(found)
        return
    output.table(_TITLES, map(_row, found))


@app.command()
def show(context: typer.Context, key: Key, as_json: AsJson = False, url: Url = None) -> None:
    """Look at a limited key, and at who uses it."""
    with options.server(context, url) as server:
        found = server.get(f"/api/limits/{in_path(key)}")
    if as_json:
        output.document(found)
        return
    tables = {  # which servers of the previous release do not have
        ("run", "ends by"): found.pop("under_way", []),
        ("run", "ended", "free again"): found.pop("still_counted", []),
    }
    output.fields({**found, "holders": None, "rate": _rate(found)})  # these are in the first table
    for titles, uses in tables.items():
        if uses:
            typer.echo()
            output.table(titles, (list(one.values()) for one in uses))


@app.command("set")
def set_limit(
    context: typer.Context,
    key: Key,
    concurrency: Annotated[int | None, typer.Option(help="So many runs at once.", show_default=False)] = None,
    rate: Annotated[str | None, typer.Option(help="CALLS/SECONDS, for example 90/60.", show_default=False)] = None,
    weight: Annotated[
        float | None,
        typer.Option(help="An account's share of workers, while others wait: 1 without one.", show_default=False),
    ] = None,
    expires: Annotated[str | None, typer.Option(help="Until this instant.", show_default=False)] = None,
    as_json: AsJson = False,
    url: Url = None,
) -> None:
    """Limit a key, in place of the limit that it has."""
    wanted = {"concurrency": concurrency, "rate": _read_rate(rate), "weight": weight, "expires_at": expires}
    with options.server(context, url) as server:
        made = server.ask("PUT", f"/api/limits/{in_path(key)}", wanted).body
    options.show(made, f"{made['key']} is limited.", as_json=as_json)


@app.command()
def remove(context: typer.Context, key: Key, reason: Reason = None, url: Url = None) -> None:
    """Remove a key's limit; the runs that it holds continue."""
    with options.server(context, url) as server:
        server.ask("DELETE", f"/api/limits/{in_path(key)}", parameters={"reason": reason})
    typer.echo(f"{key} is not limited any more.")


def _read_rate(text: str | None) -> dict[str, int] | None:
    if text is None:
        return None
    calls, slash, seconds = text.partition("/")
    if not (slash and calls.isdecimal() and seconds.isdecimal()):
        raise typer.BadParameter(f"--rate is {text!r}; write CALLS/SECONDS in whole numbers, for example 90/60.")
    return {"calls": int(calls), "per_seconds": int(seconds)}


def _rate(one: dict[str, Any]) -> str | None:
    return None if one["rate"] is None else f"{one['rate']['calls']}/{one['rate']['per_seconds']}"


def _row(one: dict[str, Any]) -> list[Any]:
    rate = _rate(one)
    by = " (ACCOUNT_RATE)" if one["is_default"] else ""
    shown = None if rate is None else rate + by
    members = ("weight", "running", "room", "waiting", "next_room_at", "expires_at")
    return [one["key"], one["concurrency"], shown, *(one[member] for member in members)]
