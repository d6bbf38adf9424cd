"""Every command of the client, to be added to the command line."""

from __future__ import annotations

import typer

from client import applying, exporting, jobs, preview, runs


def add_to(app: typer.Typer) -> None:
    """Add the commands to a command line whose context carries the environment."""
    app.add_typer(jobs.app, name="jobs")
    app.add_typer(runs.app, name="runs")
    app.command()(preview.preview)
    app.command()(applying.apply)
    app.command()(exporting.export)
