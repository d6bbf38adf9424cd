"""Carillon's command line: one command for each process, and the client's.

serve         everything in one process, on SQLite (what ./run does)
demo          serve, and show one job of each kind
services      the Procfile's processes, on RabbitMQ and PostgreSQL; `services demo` shows the same there
web, worker, coordinator, periodic    one process of the services mode
autoscale     one to five workers, as the queues ask for them
migrate       bring the database to the newest schema
rotate-secrets    seal every stored secret with the first of SECRET_KEYS
restore declare-offline    hold every app in the database, before anything is started on it
login, jobs, runs, upcoming, stats, apps, members, keys, limits, breakers, restore, archive, audit, apply, export,
              preview, open
              the client's commands, to a server by its API (`./carillon jobs list`)
"""

from __future__ import annotations

from processes import signals

signals.obey()  # before what follows, which takes a second to import

import importlib
import socket
import sys
from types import ModuleType
from typing import NoReturn

import typer

from client import commands, endings, restores
from client.options import Reason
from local import demonstration, stack, trial_receiver
from migrations import large_indexes, runner
from models import database
from processes import start
from services.restoring import offline
from services.scheduling import timezones
from services.secrets import key_file, rotating
from settings import ConfigurationError, Settings

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
    timezones.pin()


@app.command()
def serve() -> None:
    """Serve everything from one process, on SQLite and an in-process broker."""
    signals.obey(0)
    settings = start.embedded_settings()
    with trial_receiver.for_callbacks(settings) as complete:
        _process("embedded").serve(complete, _greet)


@app.command()
def demo(*, keep: bool = typer.Option(False, "--keep", help="go on until Ctrl-C, with more work to look at")) -> None:
    """Run one job of each kind to its end and say what happened."""
    settings = start.embedded_settings()
    serve = [sys.executable, str(start.ROOT / "cli.py"), "serve"]
    sys.exit(demonstration.on_one_process(settings, serve, keep=keep))


@app.command()
def services(what: str = typer.Argument("", help="`demo` to show one job of each kind, then stop")) -> None:
    """Run the Procfile's processes, on the servers that are named or on private ones."""
    environment = start.environment()
    if what not in ("", "demo"):
        raise ConfigurationError(f"services knows `demo` or nothing, not `{what}`.")
    if what == "demo":
        environment = {"LOG_LEVEL": "WARNING", **environment}  # the table is what is to be seen
    settings = start.checked_settings(environment)  # else each process would say the same, again and again
    with stack.running(start.ROOT, environment, settings) as running:
        if what == "demo":
            sys.exit(demonstration.on(running.url, running.receiver_folder, environment.get("INTERNAL_SECRET")))
        running.wait_for_signal()


@app.command()
def web(descriptor: int | None = typer.Option(None, "--socket", hidden=True)) -> None:
    """Serve the HTTP API, by as many processes as WEB_CONCURRENCY says."""
    signals.obey(0)
    settings = start.services_settings()
    if descriptor is not None:
        _process("web").run(settings, socket.socket(fileno=descriptor))
    else:
        _process("web" if settings.web_processes == 1 else "web_processes").run(settings)


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
    """Keep one to five workers running: one more while over ten runs wait, one fewer when none does."""
    settings = start.services_settings()
    _process("autoscale").run(settings, start.environment(), start.ROOT, dry_run=dry_run)


@app.command()
def migrate(
    *, plan: bool = typer.Option(False, "--plan", help="say what would be applied, and change nothing")
) -> None:
    """Bring the database to the newest schema."""
    settings = start.load_settings()
    database.connect(settings.database, "migrate")
    if plan:
        for name, purpose in runner.pending():
            typer.echo(f"{name}  {purpose}")
        return
    for name in runner.upgrade():
        typer.echo(f"applied {name}")
    for name in large_indexes.build():
        typer.echo(f"built {name}")


@app.command()
def rotate_secrets() -> None:
    """Seal every stored secret with the first of SECRET_KEYS."""
    settings = start.load_settings()
    if settings.embedded:
        settings = key_file.with_key(settings)
    database.connect(settings.database, "rotate-secrets")
    runner.upgrade()
    typer.echo(f"sealed {rotating.rotate(settings)} secrets with the first of SECRET_KEYS")


@restores.app.command()
def declare_offline(reason: Reason = None) -> None:
    """Hold every app in the database itself: after a restore, before anything is started on it."""
    settings = start.load_settings()
    database.connect(settings.database, "declare-offline")
    runner.upgrade()
    held = offline.declare(settings, reason)
    runs = sum(one.begun + one.not_begun for one in held.apps)
    typer.echo(f"Held: {len(held.apps)} apps, {runs} runs. Start Carillon, and release them: carillon restore release.")


def _run(name: str) -> None:
    """Run one process of the services mode until it is told to stop."""
    signals.obey(0)
    settings = start.services_settings()
    _process(name).run(settings)


def _process(name: str) -> ModuleType:
    """Returns the module of a process. It is half of a start to import one: only who runs it waits for it."""
    return importlib.import_module(f"processes.{name}")


def _greet(settings: Settings) -> None:
    url = f"http://{settings.host}:{settings.port}"
    typer.echo(
        f"Carillon serves {url}/dashboard/ (API: {url}/swagger/, data: {settings.data_dir}).\n"
        f"Callbacks go to {settings.callback_base_url}. A first job:\n\n"
        f"  curl -s {url}/api/jobs/create -H 'Content-Type: application/json' -d '"
        '{"app_name": "app_a", "user_id": "user1", "account_id": "acc1", "task_type": "hello", '
        '"schedule": {"type": "immediate"}, "data": {"some_key": "some_value"}}'
        "'\n",
        nl=True,
    )


commands.add_to(app)


def main(arguments: list[str]) -> NoReturn:
    """Run the command that these arguments name, and end the process."""
    with endings.plain(arguments), start.plain_faults():
        app(arguments, prog_name="carillon", obj=start.environment())
    sys.exit()


if __name__ == "__main__":
    main(sys.argv[1:])
