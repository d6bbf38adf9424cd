"""The environment of every command: the process's own variables, over those of `.env`."""

from __future__ import annotations

import os
from pathlib import Path

import dotenv

from core.errors import Misconfigured

ROOT = Path(__file__).parents[1]


def environment() -> dict[str, str]:
    """Returns the variables of `.env`, overridden by the environment's; an empty variable counts as missing."""
    try:
        from_file = dotenv.dotenv_values(ROOT / ".env")
    except (OSError, UnicodeDecodeError) as error:
        raise Misconfigured(f"{ROOT / '.env'} cannot be read: {error}.") from None
    given = {name: value for name, value in os.environ.items() if value.strip()}
    return {**{name: value for name, value in from_file.items() if value is not None}, **given}


def lend(prefix: str) -> None:
    """Export the variables with this prefix, also those of `.env`, to a library that reads the environment itself."""
    os.environ.update({name: value for name, value in environment().items() if name.startswith(prefix)})
