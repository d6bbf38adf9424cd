"""Commands that work on the database itself, whether or not processes run on it, and end."""

from __future__ import annotations

import typer

from core.errors import Misconfigured
from migrations import large_indexes, runner
from models import database
from processes import start
from services.restoring import offline
from services.secrets import key_file, rotating


def migrate(*, plan: bool) -> None:
    """Bring the database to the newest schema; or only say what would be applied."""
    database.connect(start.load_settings().database, "migrate")
    typer.echo(f"database {database.name()}", err=True)
    if plan:
        for name, purpose in runner.pending():
            typer.echo(f"{name}  {purpose}")
        return
    for name in runner.upgrade():
        typer.echo(f"applied {name}")
    for name in large_indexes.build():
        typer.echo(f"built {name}")


def rotate_secrets() -> None:
    """Seal every stored secret with the first of SECRET_KEYS."""
    settings = start.load_settings()
    if settings.embedded:
        settings = key_file.with_key(settings)
    database.connect(settings.database, "rotate-secrets")
    runner.upgrade()
    typer.echo(f"sealed {rotating.rotate(settings)} secrets with the first of SECRET_KEYS")


def declare_offline(reason: str | None) -> None:
    """Hold every app, as after a restore."""
    settings = start.load_settings()
    if (file := database.missing_file(settings.database)) is not None:
        raise Misconfigured(f"There is no database {file}; give this command the DATABASE_URL of the services.")
    database.connect(settings.database, "declare-offline")
    runner.upgrade()
    held = offline.declare(settings, reason)
    runs = sum(one.begun + one.not_begun for one in held.apps)
    typer.echo(f"Held in the database {database.name()}: {len(held.apps)} apps, {runs} runs.")
    typer.echo("Start Carillon, and release them: carillon restore release.")
