"""`carillon preview`: the next instants of a cron expression, without a server."""

from __future__ import annotations

import zoneinfo
from collections.abc import Sequence
from datetime import UTC, datetime
from typing import Annotated, Any

import typer

from client import output
from client.options import AsJson
from core import instants, schedules
from core.schedules import cron
from core.schedules.kind import PreviewedOccurrence
from core.schedules.members import DAY_SECONDS


def preview(
    expression: Annotated[str, typer.Argument(help='A cron expression in quotes, for example "0 9 * * 1".')],
    tz: Annotated[str, typer.Option(help="An IANA time zone.")] = "UTC",
    count: Annotated[int, typer.Option(min=1, max=1000, help="How many.")] = 5,
    jitter: Annotated[
        float, typer.Option(min=0, max=DAY_SECONDS, help="Each up to this many seconds later, as by jitter_seconds.")
    ] = 0,
    as_json: AsJson = False,
) -> None:
    """Show when a cron expression comes next, in words and as instants."""
    zone = _zone(tz)
    schedule = schedules.Cron(_checked(expression), timezone=tz, jitter_seconds=jitter)
    following = schedule.previewed(datetime.now(UTC), count)
    if as_json:
        output.document(_as_json(schedule.describe(), following))
        return
    typer.echo(schedule.describe())
    titles = ("on the clocks there", "UTC", *(("due by, UTC",) if jitter else ()))
    output.table(titles, (_row(one, zone)[: len(titles)] for one in following))


def _as_json(description: str, following: Sequence[PreviewedOccurrence]) -> dict[str, Any]:
    """Returns the answer of `POST /api/schedules/preview`."""
    return {
        "next": [instants.shown(one.scheduled_for) for one in following],
        "occurrences": [
            {"scheduled_for": instants.shown(one.scheduled_for), "latest_due_at": instants.shown(one.latest_due_at)}
            for one in following
        ],
        "description": description,
    }


def _row(one: PreviewedOccurrence, zone: zoneinfo.ZoneInfo) -> list[str]:
    there = f"{one.scheduled_for.astimezone(zone):%a %Y-%m-%d %H:%M:%S %z}"
    return [there, instants.shown(one.scheduled_for), instants.shown(one.latest_due_at)]


def _checked(expression: str) -> str:
    try:
        cron.parse(expression)
    except cron.InvalidCron as error:
        raise typer.BadParameter(f"{error.message}") from None
    return expression


def _zone(name: str) -> zoneinfo.ZoneInfo:
    if name not in zoneinfo.available_timezones():
        raise typer.BadParameter(f"{name!r} is no IANA time zone; write for example Europe/Paris.")
    return zoneinfo.ZoneInfo(name)
