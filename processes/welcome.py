"""What a server says to the person who starts it for the first time."""

from __future__ import annotations

import structlog
import typer

from core.errors import Unavailable
from services.access import first_administrator
from services.system import System

log = structlog.get_logger()


def greet(system: System) -> None:
    """Print the link by which the first administrator registers, until one has: to standard error, never to a log."""
    try:
        link = first_administrator.link(system)
    except Unavailable as error:
        log.warning("first_administrator_not_invited", error=str(error))
        return
    if link is not None:
        typer.echo(
            f"There is no administrator yet. The first administrator registers here, once, within a day:\n{link}",
            err=True,
        )
