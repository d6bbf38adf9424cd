"""The file beside the database: the last mark of an installation that a process of this host has seen.

Each installation has a file of its own in DATA_DIR, so that two which share the folder do not take each other for one
that was taken back.
"""

from __future__ import annotations

from contextlib import suppress
from pathlib import Path
from uuid import uuid4

import structlog

from services.runtime import durable
from settings import Settings

FOLDER = "marks"
log = structlog.get_logger()


def read(settings: Settings, identity: str) -> int | None:
    """Returns the last mark that this host has seen of an installation; None if none is kept."""
    try:
        return int(_path(settings, identity).read_text(encoding="ascii"))
    except FileNotFoundError:
        return None
    except (OSError, ValueError) as error:  # a file that cannot be read must not keep the process from starting
        log.warning("mark_unreadable", error=str(error), remedy="Remove it, once you know that nothing was restored.")
        return None


def write(settings: Settings, identity: str, mark: int) -> bool:
    """Write the mark to its file, atomically and durably. Returns whether it was written."""
    path = _path(settings, identity)
    new = path.with_name(f"{path.name}.{uuid4().hex}.new")  # containers share the folder, and numbers of processes
    try:
        path.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
        with new.open("wb") as file:
            file.write(b"%d\n" % mark)
            durable.sync(file)
        new.replace(path)
    except OSError:
        with suppress(OSError):
            new.unlink(missing_ok=True)
        return False
    return True


def _path(settings: Settings, identity: str) -> Path:
    return settings.data_dir / FOLDER / identity
