"""The spool: files that were received on this host and wait there to be stored.

A file is locked by the process that receives it, from its beginning until its job is stored. So one that nobody has
locked and no job needs was left by a process that died, and may go.
"""

from __future__ import annotations

import fcntl
import hashlib
import os
import shutil
import time
from collections.abc import Callable, Collection, Iterator, Sequence
from contextlib import ExitStack, contextmanager, suppress
from pathlib import Path
from typing import IO
from uuid import UUID, uuid4

from core.errors import DiskUnavailable
from services.runtime import durable
from services.runtime.troubles import Trouble
from settings import Settings

# A file has another name until it is whole, and for the moment in which it is there but not locked yet.
_UNFINISHED = ".receiving-"
_UNFINISHED_AGE_SECONDS = 60.0
_BATCH = 200


class Incoming:
    """A file that is being received. Raises `DiskUnavailable`."""

    def __init__(self, settings: Settings, identity: str) -> None:
        self.id = uuid4()
        self.size = 0
        self._hash = hashlib.sha256()
        with _on_disk():
            self._path = _made(folder(settings, identity)) / f"{_UNFINISHED}{self.id}"
            self._file = self._path.open("xb")
            self._path.chmod(0o600)
            fcntl.flock(self._file, fcntl.LOCK_EX)

    def write(self, piece: bytes) -> None:
        """Take the next piece. Raises `DiskUnavailable`."""
        with _on_disk():
            self._file.write(piece)
        self.size += len(piece)
        self._hash.update(piece)

    @property
    def sha256(self) -> str:
        """Returns the SHA-256 of the bytes that have come."""
        return self._hash.hexdigest()

    def finish(self) -> None:
        """Complete the file, so that it survives a crash of the machine. Raises `DiskUnavailable`."""
        with _on_disk():
            durable.sync(self._file)
            self._path = self._path.rename(self._path.with_name(str(self.id)))
            durable.sync_folder(self._path.parent)

    def release(self) -> None:
        """Leave the file to its job or, if that was not created, to the sweep."""
        self._file.close()

    def drop(self) -> None:
        """Remove the file, if it has not been left to a job."""
        if not self._file.closed:
            with suppress(OSError):  # the sweep removes what is left
                self._path.unlink(missing_ok=True)
            with suppress(OSError):  # closing writes what was not written yet, and the disk may be full
                self._file.close()


def folder(settings: Settings, identity: str | None = None) -> Path:
    """Returns the folder of this host's spool; of an installation's own part of it, given its identity."""
    return settings.data_dir / "spool" / (identity or "")


def troubles(settings: Settings) -> list[Trouble]:
    """Returns what keeps this host from receiving files."""
    place = next((one for one in (folder(settings), *folder(settings).parents) if one.is_dir()), Path("/"))
    remedy = "Make room, or name another folder: DATA_DIR."
    if not os.access(place, os.W_OK | os.X_OK):
        return [Trouble("DATA_DIR", "The folder of uploads cannot be written to.", remedy)]
    if shutil.disk_usage(place).free < settings.max_upload_bytes:
        return [
            Trouble(
                "DATA_DIR",
                "The disk of uploads has no space for another file of MAX_UPLOAD_BYTES.",
                remedy,
            )
        ]
    return []


def opened(settings: Settings, upload_id: UUID) -> IO[bytes] | None:
    """Returns the opened file of an upload; None if it is not in this host's spool."""
    for place in _places(settings, upload_id):
        with suppress(FileNotFoundError):
            return place.open("rb")
    return None


def remove(settings: Settings, upload_id: UUID) -> None:
    """Remove the file of an upload, if it is in this host's spool."""
    for place in _places(settings, upload_id):
        place.unlink(missing_ok=True)


def sweep(settings: Settings, identity: str, needed: Callable[[Collection[UUID]], set[UUID]]) -> int:
    """Remove an installation's files that nobody has locked and that are not `needed`. Returns how many.

    What others left in the same DATA_DIR, or a release before installations had an identity, stays.
    """
    paths = _files(folder(settings, identity))
    return sum(_sweep(paths[start : start + _BATCH], needed) for start in range(0, len(paths), _BATCH))


def _sweep(paths: Sequence[Path], needed: Callable[[Collection[UUID]], set[UUID]]) -> int:
    with ExitStack() as locks:
        left = [path for path in paths if _lock(path, locks)]  # first: who looked before could miss a job just stored
        whole = {path: UUID(path.name) for path in left if _is_id(path.name)}
        still_needed = needed(whole.values()) if whole else set()
        over = [path for path, upload_id in whole.items() if upload_id not in still_needed]
        over += [path for path in left if path.name.startswith(_UNFINISHED) and _is_old(path)]
        for path in over:
            path.unlink(missing_ok=True)
        return len(over)


def _places(settings: Settings, upload_id: UUID) -> list[Path]:
    """Returns where a file may be: in an installation's folder, or where the release before put it."""
    return [*folder(settings).glob(f"*/{upload_id}"), folder(settings) / str(upload_id)]


def _files(own_folder: Path) -> list[Path]:
    try:
        return list(own_folder.iterdir())
    except FileNotFoundError:
        return []


def _lock(path: Path, locks: ExitStack) -> bool:
    """Lock a file. Returns False if another process has locked it, or the file is gone."""
    try:
        file = locks.enter_context(path.open("rb"))
        fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except OSError:
        return False
    return True


def _is_old(path: Path) -> bool:
    with suppress(FileNotFoundError):
        return time.time() - path.stat().st_mtime > _UNFINISHED_AGE_SECONDS
    return False


def _is_id(name: str) -> bool:
    try:
        return str(UUID(name)) == name
    except ValueError:
        return False


def _made(path: Path) -> Path:
    path.mkdir(parents=True, exist_ok=True, mode=0o700)
    return path


@contextmanager
def _on_disk() -> Iterator[None]:
    try:
        yield
    except OSError as error:
        raise DiskUnavailable(
            f"The file could not be kept in the spool: {error.strerror}. Nothing was kept; try again later."
        ) from error
