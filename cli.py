"""Carillon's command line: one command for each process, and the client's.

serve         everything in one process, on SQLite (what ./run does)
demo          serve, and show one job of each kind
services      the Procfile's processes, on RabbitMQ and PostgreSQL; `services demo` shows the same there
web, worker, coordinator, periodic    one process of the services mode
autoscale     one to five workers, as the queues and the coming minutes ask for them
migrate       bring the database to the newest schema
rotate-secrets    seal every stored secret with the first of SECRET_KEYS
restore declare-offline    hold every app in the database, before anything is started on it
login, jobs, runs, upcoming, stats, apps, members, keys, limits, breakers, workers, restore, archive, audit, apply,
              export, preview, open, pause, resume
              the client's commands, to a server by its API (`./carillon jobs list`)
"""

from __future__ import annotations

from processes import signals

signals.obey()  # before what follows, which takes a while to import

import gc
import importlib
import socket
import sys
from collections.abc import Sequence
from types import ModuleType
from typing import NoReturn

import typer

from client import commands, terminal
from processes import zones
from processes.environment import ROOT, environment
from processes.exit_status import plain_faults

app = typer.Typer(
    add_completion=False,
    no_args_is_help=True,
    help=__doc__.splitlines()[0],
    rich_markup_mode=None,
    pretty_exceptions_enable=False,
)


@app.callback()
def begin() -> None:
    """Prepare what all commands share."""
    zones.pin()


@app.command()
def serve() -> None:
    """Serve everything from one process, on SQLite and an in-process broker."""
    signals.obey(0)
    settings = _imported("processes.start").embedded_settings()
    _imported("local.in_one_process").serve(settings)


@app.command()
def demo(*, keep: bool = typer.Option(False, "--keep", help="a company's busy day to look at, until Ctrl-C")) -> None:
    """Run one job of each kind to its end and say what happened."""
    _imported("local.on_this_machine").demo(keep=keep)


@app.command()
def services(what: str = typer.Argument("", help="`demo` to show one job of each kind, then stop")) -> None:
    """Run the Procfile's processes, on the servers that are named or on private ones."""
    _imported("local.on_this_machine").services(what)


@app.command()
def web(descriptor: int | None = typer.Option(None, "--socket", hidden=True)) -> None:
    """Serve the HTTP API, by as many processes as WEB_CONCURRENCY says."""
    signals.obey(0)
    settings = _imported("processes.start").services_settings()
    if descriptor is not None:
        _imported("processes.web").run(settings, socket.socket(fileno=descriptor))
    else:
        _imported("processes.web" if settings.web_processes == 1 else "processes.web_processes").run(settings)


@app.command()
def worker() -> None:
    """Execute runs."""
    _run("worker")


@app.command()
def coordinator() -> None:
    """Plan, dispatch, rescue and prune."""
    _run("coordinator")


@app.command()
def periodic() -> None:
    """Send a beat each minute."""
    _run("periodic")


@app.command()
def autoscale(
    *, dry_run: bool = typer.Option(False, "--dry-run", help="say what would be done, and start nothing")
) -> None:
    """Keep one to five workers running, as the length of the queues and the runs of the coming minutes need them."""
    settings = _imported("processes.start").services_settings()
    _imported("processes.autoscale").run(settings, environment(), ROOT, dry_run=dry_run)


@app.command()
def migrate(
    *, plan: bool = typer.Option(False, "--plan", help="say what would be applied, and change nothing")
) -> None:
    """Bring the database to the newest schema."""
    _imported("processes.on_database").migrate(plan=plan)


@app.command()
def rotate_secrets() -> None:
    """Seal every stored secret with the first of SECRET_KEYS."""
    _imported("processes.on_database").rotate_secrets()


def declare_offline(
    reason: str | None = typer.Option(None, help="Why: kept in the audit log.", show_default=False),
) -> None:
    """Hold every app in the database itself: after a restore, before anything is started on it."""
    _imported("processes.on_database").declare_offline(reason)


def _run(name: str) -> None:
    """Run one process of the services mode until it is told to stop."""
    signals.obey(0)
    settings = _imported("processes.start").services_settings()
    _imported(f"processes.{name}").run(settings)


def _imported(name: str) -> ModuleType:
    """Returns a module, imported only now: most of a start is imports, so each command waits only for its own.

    What is imported stays, so the garbage collector looks through it neither meanwhile nor later.
    """
    gc.disable()
    try:
        return importlib.import_module(name)
    finally:
        gc.freeze()
        gc.enable()


def command_line(arguments: Sequence[str]) -> typer.Typer:
    """Returns the command line for these arguments; of the client's commands it has only the one that they name.

    If they name no command it has them all, so that help and corrections list each.
    """
    first = next(iter(arguments), "")
    if first not in _own_commands():
        names = [first] if first in commands.NAMES else commands.NAMES
        commands.add_to(app, names)
        if "restore" in names:
            _imported("client.restores").app.command()(declare_offline)
    return app


def _own_commands() -> set[str]:
    return {one.callback.__name__.replace("_", "-") for one in app.registered_commands if one.callback}


def main(arguments: list[str]) -> NoReturn:
    """Run the command that these arguments name, and end the process."""
    with terminal.guarded(arguments), plain_faults():
        command_line(arguments)(arguments, prog_name="carillon", obj=environment())
    sys.exit()


if __name__ == "__main__":
    main(sys.argv[1:])
