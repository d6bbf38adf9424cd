"""`carillon apply`: bring jobs to what a file says they are."""

from __future__ import annotations

import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Annotated, Any
from urllib.parse import quote

import typer

from client import declared, options, output
from client.declared import DeclaredJob
from client.definitions import MARK
from client.errors import CommandFailed, Refused, WrongInput
from client.options import AsJson, Url
from client.plans import Action, Found, Key, Step, plan
from client.server import Server
from core.states import ENDED

_SIGNS = {Action.CREATE: "+", Action.CHANGE: "~", Action.REMOVE: "-", Action.KEEP: "=", Action.LEAVE: "."}
_DONE = {Action.CREATE: "created", Action.CHANGE: "changed", Action.REMOVE: "removed"}
_PRECONDITION_FAILED = 412
_CHANGED_MEANWHILE = ("was changed by someone else meanwhile; apply again.",)


def apply(
    context: typer.Context,
    file: Annotated[Path, typer.Argument(exists=True, dir_okay=False, help="A YAML file of jobs.")],
    yes: Annotated[bool, typer.Option("--yes", help="Do not ask.")] = False,
    prune: Annotated[bool, typer.Option("--prune", help=f"Remove jobs tagged {MARK} that the file lacks.")] = False,
    dry_run: Annotated[bool, typer.Option("--dry-run", help="Show what would be done, and do nothing.")] = False,
    as_json: AsJson = False,
    url: Url = None,
) -> None:
    """Bring jobs to what a file says: show what would change, ask, then do it.

    A job is known by its app and its name. One that has ended is left alone. With --prune, jobs of the file's apps that
    apply has made, and that the file no longer names, are removed; jobs made in other ways never are.
    """
    with options.server(context, url) as server:
        wanted = declared.read(_text(file), file.name)
        steps = plan(wanted.jobs, _found(server, wanted.jobs), _marked(server, wanted.apps) if prune else [])
        work = [step for step in steps if step.does_something]
        if not as_json:
            _show(steps)
        if work and not dry_run and not yes:
            _ask(len(work))
        faults = {} if dry_run else {id(step): _carry_out(server, step) for step in work}
    if as_json:
        output.document({"applied": not dry_run, "steps": [_as_json(step, faults.get(id(step), ())) for step in steps]})
    else:
        _show_steps(work, faults, dry_run=dry_run)
    raise typer.Exit(1 if any(faults.values()) else 0)


def _text(file: Path) -> str:
    try:
        return file.read_text("utf-8-sig")
    except (OSError, UnicodeDecodeError) as error:
        raise WrongInput(f"{file} cannot be read: {error}.") from None


def _found(server: Server, wanted: Sequence[DeclaredJob]) -> dict[Key, Found]:
    """The declared jobs that are there, each as it is now."""
    found = {}
    for job in wanted:
        of_name = list(server.every("/api/jobs", app_name=job.app, name=job.name))
        spellings = {shown["name"]: shown for shown in of_name}
        if len(spellings) < len(of_name):  # of several users, in a shared app
            raise CommandFailed(f"Several users have a job named {job.name} in the app {job.app}; none is changed.")
        if spellings:
            shown = spellings.get(job.name) or next(iter(spellings.values()))
            found[job.app, job.name] = _as_found(shown)
    return found


def _marked(server: Server, apps: Sequence[str]) -> list[Found]:
    """The jobs of these apps that `apply` has made, and that have not ended."""
    listed = (shown for app in apps for shown in server.every("/api/jobs", app_name=app, tag=MARK))
    return [_as_found(shown) for shown in listed if shown["name"] and shown["status"] not in ENDED]


def _as_found(shown: Any) -> Found:
    return Found(shown, f'"{shown["version"]}"')


def _ask(count: int) -> None:
    if not _at_a_terminal():
        raise typer.BadParameter(f"{count} jobs would be changed, and there is no terminal to ask at; give --yes.")
    if not typer.confirm(f"Do this to {count} {'job' if count == 1 else 'jobs'}?", err=True):
        raise CommandFailed("Nothing is done.")


def _at_a_terminal() -> bool:
    return sys.stdin.isatty()


def _carry_out(server: Server, step: Step) -> tuple[str, ...]:
    """Carry out one step. Returns the server's reasons against it; nothing if it was done."""
    try:
        match step:
            case Step(action=Action.CREATE):
                server.post("/api/jobs/create", {"app_name": step.app, **(step.definition or {})})
            case Step(action=Action.CHANGE, found=Found() as found):
                server.ask("PUT", _path(found), step.definition, _if_match(found))
            case Step(action=Action.REMOVE, found=Found() as found):
                server.ask("DELETE", _path(found), headers=_if_match(found))
    except Refused as refusal:
        return _CHANGED_MEANWHILE if refusal.status == _PRECONDITION_FAILED else refusal.faults
    except CommandFailed as failure:  # the server is away: what was done before is still told
        return failure.lines
    return ()


def _path(found: Found) -> str:
    return f"/api/jobs/{quote(found.shown['id'])}"


def _if_match(found: Found) -> dict[str, str]:
    return {"If-Match": found.etag} if found.etag else {}


def _show(steps: Sequence[Step]) -> None:
    for step in steps:
        if step.action == Action.KEEP and step.reason is None:
            continue
        typer.echo(f"{_SIGNS[step.action]} {_title(step)}{f': {step.reason}' if step.reason else ''}")
        if step.action == Action.CHANGE:
            for change in step.changes:
                typer.echo(f"    {change.field}: {output.plain(change.old)} -> {output.plain(change.new)}")


def _show_steps(work: Sequence[Step], faults: dict[int, tuple[str, ...]], *, dry_run: bool) -> None:
    if not work:
        typer.echo("Nothing to do.")
    if dry_run:
        return
    for step in work:
        wrong = faults[id(step)]
        if not wrong:
            typer.echo(f"{_title(step)} is {_DONE[step.action]}.")
        for line in wrong:
            typer.echo(f"{_title(step)}: {line}", err=True)


def _title(step: Step) -> str:
    return output.plain(f"{step.app}/{step.name}")


def _as_json(step: Step, faults: Sequence[str]) -> dict[str, Any]:
    return {
        "action": step.action.value,
        "app": step.app,
        "name": step.name,
        "id": step.found.shown["id"] if step.found else None,
        "changes": [{"field": one.field, "old": one.old, "new": one.new} for one in step.changes],
        "reason": step.reason,
        "errors": list(faults),
    }
