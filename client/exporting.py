"""`carillon export`: jobs as the file that `apply` takes."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Annotated, Any

import typer

from client import options, output
from client.definitions import without_defaults
from client.options import AsJson, Url
from core import yaml_writing
from core.states import ENDED

Job = dict[str, Any]


def export(
    context: typer.Context,
    app: Annotated[str | None, typer.Option(help="Of this app only.", show_default=False)] = None,
    file: Annotated[Path | None, typer.Option(dir_okay=False, help="Write here, not to the terminal.")] = None,
    every: Annotated[bool, typer.Option("--all", help="Name the jobs without a name too, in a comment.")] = False,
    as_json: AsJson = False,
    url: Url = None,
) -> None:
    """Write the jobs that have a name, and have not ended, as the file that `apply` takes."""
    with options.server(context, url) as server:
        jobs = [
            job for job in server.every("/api/jobs", app_name=app, ordering="created_at") if job["status"] not in ENDED
        ]
    named = [job for job in jobs if job["name"]]
    if as_json:
        output.document(_document(named))
        return
    text = yaml_writing.write(_document(named))
    if every:
        text += _comment([job for job in jobs if not job["name"]])
    if file is None:
        typer.echo(text, nl=False)
    else:
        _write(file, text)
        typer.echo(f"{len(named)} jobs are written to {file}.")


def _write(file: Path, text: str) -> None:
    try:
        file.write_text(text, "utf-8")
    except (OSError, ValueError) as error:
        raise typer.BadParameter(f"{file} cannot be written: {error}.") from None


def _document(named: Sequence[Job]) -> dict[str, Any]:
    """Returns the file's content: the app is at the top if all jobs share it, else at each job."""
    apps = {job["app_name"] for job in named}
    if len(apps) == 1:
        return {"app": apps.pop(), "jobs": [without_defaults(job) for job in named]}
    return {"jobs": [{"app": job["app_name"], **without_defaults(job)} for job in named]}


def _comment(nameless: Sequence[Job]) -> str:
    lines = [output.plain(f"#   {job['id']}  {job['app_name']}  {job['task_type']}") for job in nameless]
    return "\n".join(["# Without a name, so not in this file:", *lines, ""]) if lines else ""
