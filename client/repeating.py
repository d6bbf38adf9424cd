"""`carillon jobs why`, `backfill` and `rewind`: what became of the past, and how to go back to it."""

from __future__ import annotations

from typing import Annotated

import typer

from client import options, output
from client.options import AsJson, JobId, Url

Instant = Annotated[str, typer.Option(metavar="INSTANT", show_default=False)]


def why(
    context: typer.Context,
    job_id: JobId,
    at: Annotated[str, typer.Option(metavar="INSTANT", help="An instant of the job's schedule.", show_default=False)],
    as_json: AsJson = False,
    url: Url = None,
) -> None:
    """Say why a job did or did not run at an instant."""
    with options.server(context, url) as server:
        found = server.get(f"/api/jobs/{job_id}/why", at=at)
    if as_json:
        output.document(found)
        return
    typer.echo(output.plain(found["answer"]))
    told = ("run_id", "run_status", "blocked_by", "backfilled_by", "previous", "next")
    output.fields({name: found[name] for name in told})


def backfill(
    context: typer.Context,
    job_id: JobId,
    start: Annotated[str, typer.Option("--from", metavar="INSTANT", help="The first instant.", show_default=False)],
    end: Annotated[str, typer.Option("--to", metavar="INSTANT", help="The end, exclusive.", show_default=False)],
    again: Annotated[bool, typer.Option("--again", help="Also what ran or is running.")] = False,
    dry_run: Annotated[bool, typer.Option("--dry-run", help="Say what would happen, and change nothing.")] = False,
    as_json: AsJson = False,
    url: Url = None,
) -> None:
    """Run now what a job's schedule names in a past span of time."""
    body = {"from": start, "to": end, "again": again, "dry_run": dry_run}
    with options.server(context, url) as server:
        found = server.post(f"/api/jobs/{job_id}/backfill", body)
    would = "would be" if dry_run else "are"
    words = f"{found['made']} runs {would} made, of {found['occurrences']} occurrences in the span."
    options.show(found, words, as_json=as_json)


def rewind(
    context: typer.Context,
    job_id: JobId,
    version: Annotated[int, typer.Argument(help="The version of a state that it has had.", show_default=False)],
    as_json: AsJson = False,
    url: Url = None,
) -> None:
    """Poll on from a state that the job has had."""
    with options.server(context, url) as server:
        job = server.post(f"/api/jobs/{job_id}/rewind", {"version": version})
    options.show(job, f"Job {job['id']} polls on from the state of version {version}.", as_json=as_json)
