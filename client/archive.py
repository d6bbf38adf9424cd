"""`carillon archive`: what was archived before it was pruned."""

from __future__ import annotations

import re
from datetime import date
from itertools import islice
from typing import Annotated, Any
from uuid import UUID

import typer

from client import options, output, runs
from client.options import AsJson, Limit, Url

app = typer.Typer(no_args_is_help=True, rich_markup_mode=None, help="See runs that were archived before they went.")

_DAY = re.compile(r"\d{4}-\d\d-\d\d")
_DAY_TITLES = ("day", "app", "runs", "bytes")
_TITLES = ("id", "job", "app", "account", "task type", "finished", "attempts", "status")

AppName = Annotated[str | None, typer.Option("--app", help="Of this app.", show_default=False)]


def _is_day(text: str) -> bool:
    try:
        return _DAY.fullmatch(text) is not None and bool(date.fromisoformat(text))
    except ValueError:
        return False


def _day(text: str) -> str:
    if not _is_day(text):
        raise typer.BadParameter(f"{text!r} is no day; write for example 2026-11-28.")
    return text


def _day_or_run(text: str) -> str:
    if _is_day(text):
        return text
    try:
        return str(UUID(text))
    except ValueError:
        raise typer.BadParameter(f"{text!r} is neither a day, as 2026-11-28, nor the id of a run.") from None


@app.command("list")
def list_days(
    context: typer.Context,
    app_name: AppName = None,
    first: Annotated[
        str | None, typer.Option("--from", parser=_day, metavar="DAY", help="On this day (UTC) or later.")
    ] = None,
    last: Annotated[
        str | None, typer.Option("--to", parser=_day, metavar="DAY", help="On this day or earlier.")
    ] = None,
    limit: Limit = 50,
    as_json: AsJson = False,
    url: Url = None,
) -> None:
    """List the days that have archived runs, newest first, with how many runs of which apps."""
    wanted = {"app_name": app_name, "first_day": first, "last_day": last}
    with options.server(context, url) as server:
        found = list(islice(server.every("/api/archive", **wanted), limit))
    if as_json:
        output.document(found)
        return
    output.table(
        _DAY_TITLES,
        ([day["day"], of_app["app_name"], _count(of_app), of_app["size"]] for day in found for of_app in day["apps"]),
    )


def _count(of_app: dict[str, Any]) -> str:
    return f"{of_app['runs']}" if of_app["is_exact"] else f"at most {of_app['runs']}"


@app.command()
def show(
    context: typer.Context,
    what: Annotated[
        str, typer.Argument(parser=_day_or_run, metavar="DAY|RUN_ID", help="A day (UTC), or a run.", show_default=False)
    ],
    app_name: AppName = None,
    since: Annotated[
        str | None, typer.Option("--from", parser=_day, metavar="DAY", help="Look for the run from this day on.")
    ] = None,
    limit: Limit = 50,
    as_json: AsJson = False,
    url: Url = None,
) -> None:
    """List the archived runs that ended on a day, or look at one. With --json, those of a day come a line each."""
    with options.server(context, url) as server:
        if not _is_day(what):
            runs.print_run(server.get(f"/api/archive/runs/{what}", since=since), as_json=as_json)
            return
        found = islice(server.every(f"/api/archive/{what}", app_name=app_name), limit)
        if as_json:
            for run in found:
                output.line(run)
        else:
            output.table(_TITLES, map(_row, found))


def _row(run: dict[str, Any]) -> list[Any]:
    members = ("id", "job_id", "app_name", "account_id", "task_type", "finished_at", "attempt_count", "status")
    return [run[member] for member in members]
