"""`carillon preview`: the next instants of a cron expression, without a server."""

from __future__ import annotations

import zoneinfo
from datetime import UTC, datetime
from itertools import islice
from typing import Annotated

import typer

from client import output
from client.options import AsJson
from core import schedules
from core.schedules import cron


def preview(
    expression: Annotated[str, typer.Argument(help='A cron expression in quotes, for example "0 9 * * 1".')],
    tz: Annotated[str, typer.Option(help="An IANA time zone.")] = "UTC",
    count: Annotated[int, typer.Option(min=1, max=1000, help="How many.")] = 5,
    as_json: AsJson = False,
) -> None:
    """Show when a cron expression comes next, in words and as instants."""
    zone = _zone(tz)
    schedule = schedules.Cron(_checked(expression), timezone=tz)
    following = list(islice(schedule.preview(datetime.now(UTC)), count))
    if as_json:
        output.document(
            {"description": schedule.describe(), "next": [f"{one:%Y-%m-%dT%H:%M:%SZ}" for one in following]}
        )
        return
    typer.echo(schedule.describe())
    output.table(
        ("on the clocks there", "UTC"),
        ([f"{one.astimezone(zone):%a %Y-%m-%d %H:%M:%S %z}", f"{one:%Y-%m-%dT%H:%M:%SZ}"] for one in following),
    )


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
