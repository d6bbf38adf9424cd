"""`carillon restore`: what is held since the database was taken back, and its release."""

from __future__ import annotations

from typing import Annotated, Any

import typer

from client import options, output
from client.options import AsJson, Reason, Url

app = typer.Typer(no_args_is_help=True, rich_markup_mode=None, help="See and release what a restore holds.")

_TITLES = ("app", "had begun", "had not", "longest due", "last due")
_MEMBERS = ("app_name", "begun", "not_begun", "oldest_due_at", "newest_due_at")
_PATH = "/api/installation/restore"


@app.command()
def show(context: typer.Context, as_json: AsJson = False, url: Url = None) -> None:
    """Show what is held since the database was taken back, by app."""
    with options.server(context, url) as server:
        found = server.get(_PATH)
    if as_json:
        output.document(found)
    else:
        _show(found)


@app.command()
def declare(context: typer.Context, reason: Reason = None, url: Url = None) -> None:
    """Hold every app, as after a restore that was not noticed."""
    with options.server(context, url) as server:
        _show(server.ask("POST", _PATH, parameters={"reason": reason}).body)


@app.command()
def release(
    context: typer.Context,
    app_name: Annotated[str | None, typer.Option("--app", help="Of this app; else of all.", show_default=False)] = None,
    runs: Annotated[int | None, typer.Option(min=1, help="So many, longest due first.", show_default=False)] = None,
    begun: Annotated[
        bool | None,
        typer.Option("--begun/--not-begun", help="Those that had begun before the backup, or had not."),
    ] = None,
    discard: Annotated[bool, typer.Option("--discard", help="Cancel them instead: they have run before.")] = False,
    reason: Reason = None,
    as_json: AsJson = False,
    url: Url = None,
) -> None:
    """Release a slice of what is held; without --runs and --begun, all of it, and the app goes on."""
    wanted = {"app_name": app_name, "runs": runs, "begun": begun, "discard": discard, "reason": reason}
    with options.server(context, url) as server:
        done = server.post(f"{_PATH}/release", {name: value for name, value in wanted.items() if value is not None})
    if as_json:
        output.document(done)
        return
    typer.echo(f"{done['runs']} runs are {'discarded' if discard else 'released'}.")
    _show(done["left"])


def _show(found: dict[str, Any]) -> None:
    if found["restored_at"] is None:
        typer.echo("Nothing is held for a restore.")
        return
    typer.echo(f"Taken back to {found['restored_to'] or 'an unknown instant'}, noticed at {found['restored_at']}.")
    output.table(_TITLES, ([one[member] for member in _MEMBERS] for one in found["apps"]))
