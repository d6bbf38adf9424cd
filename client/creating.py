"""`carillon jobs create`: from options, or from a file that holds the request."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Annotated, Any

import typer

from client import options, output
from client.options import AsJson, Url
from core import json_text
from core.errors import InvalidInput

_DURATION = re.compile(r"(\d+(?:\.\d+)?)(s|m|h|d)?")
_WHOLE = re.compile(r"[0-9]{1,9}")
_SECONDS = {"s": 1, "m": 60, "h": 3600, "d": 86_400, None: 1}
_FREQUENCIES = ("hourly", "daily", "weekly", "monthly")
_NEEDED = {"app_name": "--app", "account_id": "--account", "user_id": "--user", "task_type": "--task-type"}

Text = Annotated[str | None, typer.Option(show_default=False)]
Number = Annotated[float | None, typer.Option(show_default=False)]


def create(
    context: typer.Context,
    app: Text = None,
    account: Text = None,
    user: Text = None,
    task_type: Text = None,
    now: Annotated[bool, typer.Option("--now", help="Run it at once.")] = False,
    at: Annotated[str | None, typer.Option(help="Run it at an instant, on the clocks of --tz.")] = None,
    in_: Annotated[str | None, typer.Option("--in", help="Run it after a time: 90, 90s, 5m, 2h, 1d.")] = None,
    cron: Annotated[str | None, typer.Option(help="Run it by a cron expression, on the clocks of --tz.")] = None,
    every: Annotated[str | None, typer.Option(help="Run it every so often: 90s, 1h, or hourly to monthly.")] = None,
    poll: Annotated[str | None, typer.Option(help="Call it this often, until the answer says done.")] = None,
    tz: Annotated[str | None, typer.Option(help="An IANA time zone, for --at, --cron and --every.")] = None,
    starts_at: Annotated[str | None, typer.Option(help="Of --cron and --every: from then on.")] = None,
    ends_at: Annotated[str | None, typer.Option(help="Of --cron and --every: until then.")] = None,
    max_runs: Annotated[int | None, typer.Option(help="Of --cron and --every: at most so many runs.")] = None,
    data: Annotated[str | None, typer.Option(help="What the task is called with: JSON, or @FILE.")] = None,
    name: Text = None,
    tag: Annotated[list[str] | None, typer.Option(help="May be given more than once.")] = None,
    board: Text = None,
    callback_url: Text = None,
    priority: Annotated[str | None, typer.Option(help="0 to 9, or high, medium, low.")] = None,
    max_retries: Annotated[int | None, typer.Option(show_default=False)] = None,
    retry_backoff_base: Number = None,
    time_limit: Annotated[float | None, typer.Option(help="Seconds for one attempt.")] = None,
    catch_up: Annotated[str | None, typer.Option(help="latest, skip or all.")] = None,
    overlap: Annotated[str | None, typer.Option(help="skip, allow, queue_one or cancel_previous.")] = None,
    deadline: Annotated[str | None, typer.Option(help="The instant by which a job that runs once is over.")] = None,
    deadline_seconds: Annotated[float | None, typer.Option(help="Seconds after due, for one that comes back.")] = None,
    expire: Annotated[bool, typer.Option("--expire", help="Drop a run that misses its deadline.")] = False,
    file: Annotated[Path | None, typer.Option(exists=True, dir_okay=False, help="The request as JSON.")] = None,
    idempotency_key: Annotated[str | None, typer.Option(help="Sent again with the same key, it is one job.")] = None,
    as_json: AsJson = False,
    url: Url = None,
) -> None:
    """Create a job."""
    given = {
        "app_name": app,
        "account_id": account,
        "user_id": user,
        "task_type": task_type,
        "name": name,
        "tags": tag or None,
        "board_id": board,
        "callback_url": callback_url,
        "priority": int(priority) if priority and _WHOLE.fullmatch(priority) else priority,
        "max_retries": max_retries,
        "retry_backoff_base": retry_backoff_base,
        "time_limit_seconds": time_limit,
        "catch_up": catch_up,
        "overlap": overlap,
        "deadline": deadline,
        "deadline_seconds": deadline_seconds,
        "expire": expire or None,
        "data": None if data is None else json_or_file(data),
    }
    ways = {"--now": now or None, "--at": at, "--in": in_, "--cron": cron, "--every": every, "--poll": poll}
    chosen = {way: value for way, value in ways.items() if value is not None}
    refinements = {"timezone": tz, "starts_at": starts_at, "ends_at": ends_at, "max_runs": max_runs}
    body = (
        _from_file(file, [*_given(given), *chosen, *_given(refinements)])
        if file
        else _new_job(given, chosen, refinements)
    )
    headers = {"Idempotency-Key": idempotency_key} if idempotency_key else {}
    with options.server(context, url) as server:
        created = server.post("/api/jobs/create", body, **headers)
    if as_json:
        output.document(created)
    else:
        typer.echo(f"Job {created['id']} is created.")


def json_or_file(text: str, option: str = "--data") -> Any:
    """The JSON value that an option gives, itself or in a file."""
    try:
        return json_text.parse(Path(text[1:]).read_bytes() if text.startswith("@") else text.encode())
    except InvalidInput as refusal:
        faults = " ".join(f"{one.field} {one.message}" for one in refusal.fields)
        raise typer.BadParameter(f"{text[:60]!r} cannot be sent: {faults}", param_hint=option) from None
    except (OSError, ValueError) as error:
        fault = f"{text[:60]!r} is neither JSON nor @ and a file that holds it: {error}."
        raise typer.BadParameter(fault, param_hint=option) from None


def schedule(chosen: dict[str, Any], refinements: dict[str, Any]) -> dict[str, Any]:
    """The schedule that the options choose: exactly one way, with what refines it."""
    if len(chosen) != 1:
        raise typer.BadParameter("Give exactly one of --now, --at, --in, --cron, --every and --poll.")
    [(way, value)] = chosen.items()
    match way:
        case "--now":
            return {"type": "immediate", **_given(refinements)}
        case "--at":
            return {"type": "run_at", "timestamp": value, **_given(refinements)}
        case "--in":
            return {"type": "delay_from_now", "duration_seconds": seconds(value), **_given(refinements)}
        case "--cron":
            return {"type": "cron", "expression": value, **_given(refinements)}
        case "--every":
            pace = {"frequency": value} if value in _FREQUENCIES else {"every_seconds": seconds(value)}
            return {"type": "interval", **pace, **_given(refinements)}
        case _:
            return {"type": "polling", "interval_seconds": seconds(value), **_given(refinements)}


def seconds(text: str) -> float:
    """The seconds that a time like 90, 90s, 5m, 2h or 1d has."""
    match = _DURATION.fullmatch(text)
    if match is None:
        raise typer.BadParameter(f"{text!r} is no length of time; write for example 90, 90s, 5m, 2h or 1d.")
    return float(match[1]) * _SECONDS[match[2]]


def _new_job(given: dict[str, Any], chosen: dict[str, Any], refinements: dict[str, Any]) -> dict[str, Any]:
    missing = [option for name, option in _NEEDED.items() if given[name] is None]
    if missing:
        raise typer.BadParameter(f"Give {', '.join(missing)} too, or --file.")
    return {**_given(given), "schedule": schedule(chosen, refinements)}


def _from_file(file: Path, others: list[str]) -> Any:
    if others:
        raise typer.BadParameter("--file holds the whole request; leave the other options of the job out.")
    return json_or_file(f"@{file}", "--file")


def _given(values: dict[str, Any]) -> dict[str, Any]:
    return {name: value for name, value in values.items() if value is not None}
