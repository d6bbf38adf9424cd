"""`carillon upcoming`, `waiting` and `stats`: what is to run, what waits, what ran, how many jobs, what is used."""

from __future__ import annotations

from enum import StrEnum
from typing import Annotated, Any

import typer

from client import options, output
from client.options import AsJson, Limit, Text, Url

_TITLES = ("due", "job", "name", "app", "task type")
_WAITING_TITLES = ("runs", "wait for", "app", "account", "queue", "longest since", "next call")
_ACCOUNT_TITLES = ("app", "account", "runs", "failed", "attempts", "running", "waiting", "since", "held", "limit")
_RUN_COUNTS = ("ended", "completed", "failed", "duration_p50_seconds", "duration_p95_seconds")
_RUN_TITLES = ("ended", "completed", "failed", "half took at most (s)", "95 % took at most (s)")


class By(StrEnum):
    """By what runs are counted."""

    APP = "app"
    TASK_TYPE = "task_type"
    JOB = "job"


_OF_WHAT = {
    By.APP: ("app_name",),
    By.TASK_TYPE: ("app_name", "task_type"),
    By.JOB: ("app_name", "task_type", "job_id", "job_name"),
}


class Order(StrEnum):
    """By what accounts are ranked."""

    RUNS = "runs"
    FAILED = "failed"
    ATTEMPTS = "attempts"
    WAITING = "waiting"
    HELD = "held"
    WAITED = "waited"


def upcoming(
    context: typer.Context,
    app: Text = None,
    account: Text = None,
    seconds: Annotated[int, typer.Option(min=1, help="How far ahead to look.")] = 3600,
    limit: Limit = 100,
    as_json: AsJson = False,
    url: Url = None,
) -> None:
    """List what is to run, soonest first."""
    with options.server(context, url) as server:
        found = server.get("/api/upcoming", app_name=app, account_id=account, seconds=seconds, limit=limit)["results"]
    if as_json:
        output.document(found)
        return
    members = ("due_at", "job_id", "job_name", "app_name", "task_type")
    output.table(_TITLES, ([one[member] for member in members] for one in found))


def waiting(
    context: typer.Context, app: Text = None, account: Text = None, as_json: AsJson = False, url: Url = None
) -> None:
    """List what is due and waits, and for what, the largest groups first."""
    with options.server(context, url) as server:
        found = server.get("/api/waiting", app_name=app, account_id=account)
    if as_json:
        output.document(found)
        return
    output.table(_WAITING_TITLES, map(_waiting, found["groups"]))
    if found["is_cut"]:
        typer.echo("More runs wait than are counted.", err=True)


def _waiting(one: dict[str, Any]) -> list[Any]:
    members = ("app_name", "account_id", "queue", "oldest_due_at", "next_at")
    return [one["count"], one["held_key"] or one["held_by"] or "a free worker", *(one[member] for member in members)]


def stats(
    context: typer.Context,
    app: Text = None,
    account: Text = None,
    by_account: Annotated[
        bool, typer.Option("--by-account", help="Show what each account used, and what holds it back.")
    ] = False,
    by: Annotated[
        By | None, typer.Option(help="Show how many runs ended by app, by task type or by job, and how long they took.")
    ] = None,
    task_type: Annotated[str | None, typer.Option(help="With --by: only jobs of this task type.")] = None,
    minutes: Annotated[
        int, typer.Option(min=1, max=1440, help="With --by-account and --by: of the last minutes.")
    ] = 60,
    order: Annotated[
        Order, typer.Option(help="With --by-account: which accounts come first, those with most; waited: longest.")
    ] = Order.RUNS,
    limit: Annotated[
        int, typer.Option(min=1, max=100, help="With --by-account and --by: at most this many rows.")
    ] = 50,
    as_json: AsJson = False,
    url: Url = None,
) -> None:
    """Count jobs by status; or the runs of each account, app, task type or job."""
    if by_account and by:
        raise typer.BadParameter("give --by-account or --by, not both.")
    path, more = "/api/jobs/stats", {}
    if by_account:
        path, more = "/api/stats/accounts", {"minutes": minutes, "ordering": f"-{order}", "limit": limit}
    elif by:
        path, more = "/api/stats/runs", {"by": by.value, "task_type": task_type, "minutes": minutes, "limit": limit}
    with options.server(context, url) as server:
        found = server.get(path, app_name=app, account_id=account, **more)
    if as_json:
        output.document(found)
    elif by_account:
        output.table(_ACCOUNT_TITLES, map(_account, found["results"]))
        _tell_what_is_left_out(found, "accounts")
    elif by:
        _print_runs(found, by)
    else:
        output.fields(found)


def _print_runs(found: dict[str, Any], by: By) -> None:
    members = (*_OF_WHAT[by], *_RUN_COUNTS)
    titles = (*(one.removesuffix("_name").replace("_", " ") for one in _OF_WHAT[by]), *_RUN_TITLES)
    output.table(titles, ([one[member] for member in members] for one in found["results"]))
    _tell_what_is_left_out(found, f"{by.value.replace('_', ' ')}s")


def _account(one: dict[str, Any]) -> list[Any]:
    held = ", ".join(f"{wait['count']} by {wait['held_key'] or wait['held_by']}" for wait in one["held"])
    members = ("app_name", "account_id", "runs", "failed", "attempts", "running", "waiting", "oldest_due_at")
    return [*(one[member] for member in members), held or None, _allowed(one["limit"])]


def _allowed(limit: dict[str, Any] | None) -> str | None:
    """What the account may, as `carillon limits set` takes it."""
    if limit is None:
        return None
    rate = "" if limit["rate"] is None else f"{limit['rate']['calls']}/{limit['rate']['per_seconds']}"
    at_once = "" if limit["concurrency"] is None else f"{limit['concurrency']} at once"
    return ", ".join(filter(None, (at_once, rate))) + (" (ACCOUNT_RATE)" if limit["is_default"] else "")


def _tell_what_is_left_out(found: dict[str, Any], of_what: str) -> None:
    if found["count"] > len(found["results"]):
        typer.echo(f"{found['count']} {of_what} in all; --limit shows more.", err=True)
    if found["runs_are_cut"]:
        typer.echo(f"More runs ended than are counted: these ended since {found['counted_since']}.", err=True)
    if found.get("waiting_is_cut"):
        typer.echo("More runs wait than are counted.", err=True)
