"""How a command or process ends at a fault: a line for each fault, and an exit status for its kind."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from contextlib import contextmanager

import typer

from core.errors import DatabaseUnavailable, Misconfigured
from processes.programs import ProgramError

PLAIN_FAULTS = (Misconfigured, ProgramError, DatabaseUnavailable)  # their message is enough, without a traceback
WRONG_CONFIGURATION = 2
DATABASE_AWAY = 1


@contextmanager
def plain_faults() -> Iterator[None]:
    """Print the fault, one line each, and exit with 2 for a wrong configuration, with 1 for an unavailable database."""
    try:
        yield
    except PLAIN_FAULTS as error:
        typer.echo(str(error), err=True)
        sys.exit(status_of(error))


def status_of(error: Exception) -> int:
    """Returns the exit status for a fault. A wrong configuration has its own: a restart would not help."""
    return DATABASE_AWAY if isinstance(error, DatabaseUnavailable) else WRONG_CONFIGURATION
