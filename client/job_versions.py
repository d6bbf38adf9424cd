"""`carillon jobs versions`, `compare` and `revert`: who changed a job, what, and the way back."""

from __future__ import annotations

from typing import Annotated

import typer

from client import options, output
from client.options import AsJson, JobId, Reason, Url

Version = Annotated[int, typer.Argument(min=1, help="A version of the job.", show_default=False)]

_TITLES = ("version", "since", "by", "reason")


def versions(context: typer.Context, job_id: JobId, as_json: AsJson = False, url: Url = None) -> None:
    """List a job's versions, newest first."""
    with options.server(context, url) as server:
        found = server.get(f"/api/jobs/{job_id}/versions")["results"]
    if as_json:
        output.document(found)
    else:
        output.table(_TITLES, ([one[title] for title in _TITLES] for one in found))


def compare(
    context: typer.Context, job_id: JobId, earlier: Version, later: Version, as_json: AsJson = False, url: Url = None
) -> None:
    """Show in what two versions of a job differ."""
    with options.server(context, url) as server:
        found = server.get(f"/api/jobs/{job_id}/versions/{earlier}/compare/{later}")["results"]
    if as_json:
        output.document(found)
    else:
        members = ("member", "before", "after")
        output.table(("what", f"in {earlier}", f"in {later}"), ([one[name] for name in members] for one in found))


def revert(
    context: typer.Context,
    job_id: JobId,
    version: Version,
    reason: Reason = None,
    as_json: AsJson = False,
    url: Url = None,
) -> None:
    """Make a job what it was in a former version."""
    path, parameters = f"/api/jobs/{job_id}/versions/{version}/revert", {"reason": reason}
    with options.server(context, url) as server:
        job = server.ask("POST", path, parameters=parameters).body
    options.show(
        job, f"Job {job['id']} is as it was in version {version}; this is version {job['version']}.", as_json=as_json
    )
