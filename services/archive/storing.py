"""Store runs in the archive before they are deleted."""

from __future__ import annotations

import gzip
import tempfile
from collections.abc import Collection, Iterable, Sequence
from datetime import date
from typing import IO
from uuid import UUID

import structlog

from core import archives
from core.archives import Part, Place
from core.errors import AttemptError, StorageUnavailable, Unavailable
from models import database, pruning
from models.pruning import EndedIn
from services.archive import lines
from services.files import objects
from services.runtime.abort_scope import AbortScope
from services.system import System

MAX_OF_A_PART = 1_000
log = structlog.get_logger()


def store(system: System, run_ids: Collection[UUID]) -> list[UUID]:
    """Store ended runs, in parts of one app and one day each. Returns the runs that may now be deleted.

    A part holds all the runs of its name or is not stored: one of the same name may be all that is left of them.
    So runs of which another process deletes some meanwhile are not stored, and not returned. Raises
    `StorageUnavailable`.
    """
    with database.reading():
        found = pruning.ended_in(run_ids)
    stored: list[UUID] = []
    for (_, app_name), of_part in _by_day_and_app(found).items():
        for first in range(0, len(of_part), MAX_OF_A_PART):
            runs = of_part[first : first + MAX_OF_A_PART]
            if _store_part(system, app_name, runs):
                stored += [run.id for run in runs]
    return stored


def _by_day_and_app(found: Iterable[EndedIn]) -> dict[tuple[date, str], list[EndedIn]]:
    parts: dict[tuple[date, str], list[EndedIn]] = {}
    for run in sorted(found, key=lambda one: Place.of(one.finished_at, one.id)):
        parts.setdefault((archives.day_of(run.finished_at), run.app_name), []).append(run)
    return parts


def _store_part(system: System, app_name: str, runs: Sequence[EndedIn]) -> bool:
    """Store a part, unless some of its runs are gone or cannot be read. Returns whether it is stored."""
    part = Part.of(system.settings.archive_prefix, app_name, [(run.finished_at, run.id) for run in runs])
    try:
        with tempfile.SpooledTemporaryFile(max_size=objects.PIECE_BYTES) as file:
            if _write(file, [run.id for run in runs]) < len(runs):
                return False
            size = file.tell()
            file.seek(0)
            objects.put(system.settings, part.name, file, size, AbortScope())
    except AttemptError as error:
        raise StorageUnavailable(error.message) from error
    except OSError as error:
        raise StorageUnavailable(f"The part {part.name} of the archive could not be written: {error}.") from error
    except Unavailable:
        raise
    except Exception:  # its runs stay, and all others go on
        log.exception("part_not_archived", part=part.name)
        return False
    return True


def _write(file: IO[bytes], run_ids: Sequence[UUID]) -> int:
    """Write a line for each run, zipped: the same bytes for the same runs. Returns how many there are."""
    count = 0
    with gzip.GzipFile(filename="", mode="wb", fileobj=file, mtime=0) as zipped:
        for count, line in enumerate(lines.of_runs(run_ids), start=1):  # noqa: B007  how many is the result
            zipped.write(line)
    return count
