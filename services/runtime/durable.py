"""Files that outlast a crash of the machine: first their bytes reach the disk, then their names in their folders."""

from __future__ import annotations

import os
from pathlib import Path
from typing import IO


def sync(file: IO[bytes]) -> None:
    """Let what was written to a file reach the disk."""
    file.flush()
    os.fsync(file.fileno())


def sync_folder(path: Path) -> None:
    """Let the names in a folder reach the disk."""
    descriptor = os.open(path, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
