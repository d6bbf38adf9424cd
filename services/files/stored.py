"""Reads what is stored for good: the names of objects, and their bytes piece by piece."""

from __future__ import annotations

import io
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import IO, Any

import obstore

from core.errors import StorageUnavailable
from services.files import objects
from settings import Settings

_PIECE_BYTES = 256 * 1024


@dataclass(frozen=True)
class Stored:
    """An object: its name, and its size in bytes."""

    name: str
    size: int


def folders(settings: Settings, prefix: str) -> list[str]:
    """Returns the names of what lies directly below a prefix and has objects itself. Raises `StorageUnavailable`."""
    if _is_empty(settings):
        return []
    with _storage_errors(settings):
        found = obstore.list_with_delimiter(objects.store(settings), prefix)["common_prefixes"]
    return [one.rstrip("/").rpartition("/")[2] for one in found]


def below(settings: Settings, prefix: str) -> Iterator[Stored]:
    """Yields every object below a prefix, in any order. Raises `StorageUnavailable`."""
    if _is_empty(settings):
        return
    with _storage_errors(settings):
        for some in obstore.list(objects.store(settings), prefix, chunk_size=1_000):
            yield from (Stored(one["path"], one["size"]) for one in some)


@contextmanager
def opened(settings: Settings, name: str) -> Iterator[IO[bytes]]:
    """Yields an object to be read, of which a piece at a time is in memory. Raises `StorageUnavailable`."""
    with _storage_errors(settings):
        pieces = obstore.get(objects.store(settings), name).stream(min_chunk_size=_PIECE_BYTES)
        yield io.BufferedReader(_Pieces(pieces))


class _Pieces(io.RawIOBase):
    """A file over pieces that come one after the other."""

    def __init__(self, pieces: Any) -> None:
        self._pieces = iter(pieces)
        self._rest = memoryview(b"")

    def readable(self) -> bool:
        return True

    def readinto(self, buffer: Any) -> int:
        while not self._rest:
            piece = next(self._pieces, None)
            if piece is None:
                return 0
            self._rest = memoryview(bytes(piece))
        count = min(len(buffer), len(self._rest))
        buffer[:count] = self._rest[:count]
        self._rest = self._rest[count:]
        return count


def _is_empty(settings: Settings) -> bool:
    """Whether nothing was ever stored here: there is no folder yet, and reading makes none."""
    return settings.aws_storage_bucket_name is None and not objects.folder(settings).is_dir()


@contextmanager
def _storage_errors(settings: Settings) -> Iterator[None]:
    try:
        yield
    except (obstore.exceptions.BaseError, OSError) as error:
        where = objects.place(settings)
        raise StorageUnavailable(f"What is stored in {where} cannot be read: {objects.words(error)}.") from error
