"""`carillon jobs`: list, look at, create, edit, trigger, pause, resume, cancel, delete, retry, follow, go back."""

from __future__ import annotations

from itertools import islice
from typing import Annotated, Any
from uuid import UUID

import typer

from client import bulk, creating, job_versions, options, output, repeating, tailing, words
from client.job_fields import json_or_file
from client.options import AsJson, Data, JobId, Limit, Metadata, Paused, Reason, Text, Until, Url
from client.words import paused
from core import schedules

app = typer.Typer(no_args_is_help=True, rich_markup_mode=None, help="List, create and control jobs.")
app.command()(creating.create)
app.command()(creating.edit)
app.command()(tailing.tail)
app.command()(repeating.why)
app.command()(repeating.backfill)
app.command()(repeating.rewind)
app.command()(bulk.bulk)
app.command()(job_versions.versions)
app.command()(job_versions.compare)
app.command()(job_versions.revert)

_TITLES = ("id", "app", "name", "task type", "schedule", "status", "next run")


@app.command("list")
def list_jobs(
    context: typer.Context,
    app: Text = None,
    account: Text = None,
    user: Text = None,
    status: Annotated[str | None, typer.Option(help="For example running, paused or failed.")] = None,
    is_paused: Paused = None,
    task_type: Text = None,
    kind: Annotated[str | None, typer.Option(help=f"Of schedule: {', '.join(schedules.KINDS)}.")] = None,
    name: Text = None,
    tag: Text = None,
    created_from: Annotated[str | None, typer.Option(help="Created at this instant or later.")] = None,
    created_before: Annotated[str | None, typer.Option(help="Created before this instant.")] = None,
    search: Annotated[str | None, typer.Option(help="A part of the name, title, task type or app's name.")] = None,
    metadata: Metadata = None,
    ordering: Annotated[str | None, typer.Option(help="For example -created_at, priority or name.")] = None,
    limit: Limit = 50,
    as_json: AsJson = False,
    url: Url = None,
) -> None:
    """List jobs, newest first unless asked otherwise."""
    wanted = {
        "app_name": app,
        "account_id": account,
        "user_id": user,
        "status": status,
        "paused": is_paused,
        "task_type": task_type,
        "kind": kind,
        "name": name,
        "tag": tag,
        "created_from": created_from,
        "created_before": created_before,
        "search": search,
        "metadata": metadata,
        "ordering": ordering,
    }
    with options.server(context, url) as server:
        found = list(islice(server.every("/api/jobs", **wanted), limit))
    if as_json:
        output.document(found)
        return
    output.table(
        _TITLES,
        (
            [
                job["id"],
                job["app_name"],
                job["name"],
                job["task_type"],
                words.schedule(job["schedule"]),
                job["status"],
                job["next_run_at"],
            ]
            for job in found
        ),
    )


@app.command()
def show(context: typer.Context, job_id: JobId, as_json: AsJson = False, url: Url = None) -> None:
    """Look at a job."""
    with options.server(context, url) as server:
        _print(server.get(f"/api/jobs/{job_id}"), as_json=as_json)


@app.command()
def trigger(
    context: typer.Context,
    job_id: JobId,
    data: Data = None,
    as_json: AsJson = False,
    url: Url = None,
) -> None:
    """Run a job now, besides its schedule, with its data or other data."""
    body = {} if data is None else {"data": json_or_file("--data", data)}
    with options.server(context, url) as server:
        run = server.post(f"/api/jobs/{job_id}/trigger", body)
    options.show(run, f"Run {run['id']} is {run['status']}.", as_json=as_json)


@app.command()
def pause(
    context: typer.Context,
    job_id: JobId,
    until: Until = None,
    reason: Reason = None,
    as_json: AsJson = False,
    url: Url = None,
) -> None:
    """Pause a job: nothing of it starts until it is resumed. A second pause replaces --until."""
    with options.server(context, url) as server:
        job = server.ask("POST", f"/api/jobs/{job_id}/pause", parameters={"until": until, "reason": reason}).body
    options.show(job, f"Job {job_id} is {paused(job)}.", as_json=as_json)


@app.command()
def resume(context: typer.Context, job_id: JobId, as_json: AsJson = False, url: Url = None) -> None:
    """Resume a paused job."""
    _act(context, job_id, "resume", url, as_json=as_json)


@app.command()
def cancel(context: typer.Context, job_id: JobId, as_json: AsJson = False, url: Url = None) -> None:
    """Cancel a job: waiting runs are cancelled, running ones are stopped."""
    _act(context, job_id, "cancel", url, as_json=as_json)


@app.command()
def delete(context: typer.Context, job_id: JobId, as_json: AsJson = False, url: Url = None) -> None:
    """Delete a job: waiting runs are cancelled, running ones may finish."""
    with options.server(context, url) as server:
        server.ask("DELETE", f"/api/jobs/{job_id}")
    options.show({"id": str(job_id), "deleted": True}, f"Job {job_id} is deleted.", as_json=as_json)


@app.command()
def retry(context: typer.Context, job_id: JobId, as_json: AsJson = False, url: Url = None) -> None:
    """Run a job again whose last run has failed."""
    with options.server(context, url) as server:
        answer = server.post(f"/api/jobs/{job_id}/retry")
    options.show(answer, f"Run {answer['run_id']} is the retry.", as_json=as_json)


def _act(context: typer.Context, job_id: UUID, action: str, url: str | None, *, as_json: bool) -> None:
    with options.server(context, url) as server:
        job = server.post(f"/api/jobs/{job_id}/{action}")
    options.show(job, f"Job {job_id} is {job['status']}.", as_json=as_json)


def _print(job: dict[str, Any], *, as_json: bool) -> None:
    if as_json:
        output.document(job)
    else:
        output.fields({**job, "schedule": words.schedule(job["schedule"])})
