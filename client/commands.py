"""Every command of the client, to be added to the command line."""

from __future__ import annotations

import typer

from client import (
    app_keys,
    applying,
    apps,
    archive,
    audit,
    breakers,
    exporting,
    figures,
    jobs,
    limits,
    login,
    members,
    opening,
    preview,
    restores,
    runs,
)


def add_to(app: typer.Typer) -> None:
    """Add the commands to a command line whose context carries the environment."""
    app.add_typer(jobs.app, name="jobs")
    app.add_typer(runs.app, name="runs")
    app.add_typer(apps.app, name="apps")
    app.add_typer(members.app, name="members")
    app.add_typer(app_keys.app, name="keys")
    app.add_typer(limits.app, name="limits")
    app.add_typer(breakers.app, name="breakers")
    app.add_typer(archive.app, name="archive")
    app.add_typer(restores.app, name="restore")
    app.command()(audit.audit)
    app.command()(login.login)
    app.command()(figures.upcoming)
    app.command()(figures.stats)
    app.command()(preview.preview)
    app.command()(applying.apply)
    app.command()(exporting.export)
    app.command("open")(opening.open_dashboard)
