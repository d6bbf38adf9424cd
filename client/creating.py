"""`carillon jobs create` and `jobs edit`: from options that derive from the fields of a job, or from a file."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Any

import typer

from client import options, schedule_options
from client.derived_options import Option, takes, was_given
from client.job_fields import BY_OPTION, JobField, as_sent, json_or_file
from client.options import AsJson, JobId, Url

_NOT_EDITED = ("app_name",)


def _option(field: JobField) -> Option:
    return Option(field.name, field.option, field.help, field.type)


@takes([*map(_option, BY_OPTION), *schedule_options.options()])
def create(
    context: typer.Context,
    given: dict[str, Any],
    file: Annotated[Path | None, typer.Option(exists=True, dir_okay=False, help="The request as JSON.")] = None,
    idempotency_key: Annotated[str | None, typer.Option(help="Sent again with the same key, it is one job.")] = None,
    as_json: AsJson = False,
    url: Url = None,
) -> None:
    """Create a job."""
    body = _from_file(file, given) if file else _new_job(given)
    headers = {"Idempotency-Key": idempotency_key} if idempotency_key else {}
    with options.server(context, url) as server:
        created = server.post("/api/jobs/create", body, **headers)
    options.show(created, f"Job {created['id']} is created.", as_json=as_json)


@takes([*(_option(one) for one in BY_OPTION if one.name not in _NOT_EDITED), *schedule_options.options()])
def edit(
    context: typer.Context,
    job_id: JobId,
    given: dict[str, Any],
    clear: Annotated[
        list[str] | None, typer.Option(metavar="FIELD", help="Back to its default: deadline, tags.")
    ] = None,
    as_json: AsJson = False,
    url: Url = None,
) -> None:
    """Change what is given of a job, and nothing else."""
    patch = {**_fields_to_clear(clear or []), **as_sent(given), **_schedule_patch(given)}
    if not patch:
        raise typer.BadParameter("Give an option for each field to change, or --clear.")
    with options.server(context, url) as server:
        edited = server.ask("PATCH", f"/api/jobs/{job_id}", patch).body
    options.show(edited, f"Job {edited['id']} is changed: {', '.join(patch)}.", as_json=as_json)


def _new_job(given: dict[str, Any]) -> dict[str, Any]:
    missing = [one.option for one in BY_OPTION if one.is_needed and given[one.name] is None]
    if missing:
        raise typer.BadParameter(f"Give {', '.join(missing)} too, or --file.")
    made = schedule_options.schedule(schedule_options.chosen(given), schedule_options.refinements(given))
    return {**as_sent(given), "schedule": made}


def _from_file(file: Path, given: dict[str, Any]) -> Any:
    if any(map(was_given, given.values())):
        raise typer.BadParameter("--file holds the whole request; leave the other options of the job out.")
    return json_or_file("--file", f"@{file}")


def _schedule_patch(given: dict[str, Any]) -> dict[str, Any]:
    ways, refining = schedule_options.chosen(given), schedule_options.refinements(given)
    if ways:
        return {"schedule": schedule_options.change(ways, refining)}
    return {"schedule": refining} if refining else {}


def _fields_to_clear(names: list[str]) -> dict[str, None]:
    """The fields that go back to their defaults, which null does in a merge patch. Raises `typer.BadParameter`."""
    known = {one.name: one for one in BY_OPTION if not one.is_needed}
    for name in names:
        if name not in known:
            raise typer.BadParameter(f"{name!r} cannot be cleared; write one of {', '.join(known)}.")
    return dict.fromkeys(names)
