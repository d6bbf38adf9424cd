"""`carillon jobs tail`: what happens to a job's runs, a line for each change, until the job ends."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from math import isfinite
from typing import Annotated, Any
from uuid import UUID

import typer

from client import options, output, words
from client.options import AsJson, JobId, Url
from client.server import PAGE, Server
from core.states import ENDED, JobState

Event = dict[str, Any]


def tail(
    context: typer.Context,
    job_id: JobId,
    interval: Annotated[float, typer.Option(min=0.1, max=86_400, help="Seconds between two looks.")] = 1.0,
    lines: Annotated[int, typer.Option(min=0, max=PAGE, help="How many of the newest runs to begin with.")] = 10,
    as_json: AsJson = False,
    url: Url = None,
) -> None:
    """Follow a job's runs until it ends; exit with 1 unless it completed."""
    if not isfinite(interval):
        raise typer.BadParameter(f"--interval must be a number of seconds, not {interval}.")
    rest = threading.Event()
    with options.server(context, url) as server:
        for event in follow(server, job_id, lines, lambda: rest.wait(interval)):
            _print(event, as_json=as_json)
            status = event.get("job", {}).get("status")
    raise typer.Exit(0 if status == JobState.COMPLETED else 1)


def follow(server: Server, job_id: UUID, lines: int, rest: Any) -> Iterator[Event]:
    """Yields each change of a run, then the job's end; looks again after each rest."""
    seen: dict[str, tuple[Any, ...]] = {}
    first = True
    while True:
        job = server.get(f"/api/jobs/{job_id}")  # before its runs, so that those of one that has ended are all there
        page = server.get(f"/api/jobs/{job_id}/runs", limit=PAGE)["results"]
        changed = [run for run in reversed(page) if seen.get(run["id"]) != _state(run)]
        seen |= {run["id"]: _state(run) for run in page}
        yield from (
            {"run": run} for run in (changed[len(changed) - lines :] if first and len(changed) > lines else changed)
        )
        if job["status"] in ENDED:
            yield {"job": job}
            return
        first = False
        rest()


def _state(run: dict[str, Any]) -> tuple[Any, ...]:
    return (run["status"], run["attempt_count"], run["held_by"], run["message"], run["error_message"])


def _print(event: Event, *, as_json: bool) -> None:
    if as_json:
        output.line(event)
        return
    if "job" in event:
        typer.echo(f"Job {event['job']['id']} is {event['job']['status']}.")
        return
    run = event["run"]
    at = run["finished_at"] or run["started_at"] or run["due_at"]
    message = f" ({output.plain(run['message'])})" if run["message"] else ""
    attempt = f", attempt {run['attempt_count']}" if run["attempt_count"] else ""
    typer.echo(f"{at}  run {run['id']}  {output.plain(words.state_of_run(run))}{attempt}{message}")
