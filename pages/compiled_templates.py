"""Templates compiled once, not by each process: their code is kept beside them, as Python keeps that of modules."""

from __future__ import annotations

import contextlib
import sys
from pathlib import Path

import jinja2
from jinja2.bccache import Bucket, FileSystemBytecodeCache

_FOR_ALL_TO_READ = 0o644  # as modules: another user may run what was installed


class CompiledTemplates(FileSystemBytecodeCache):
    """Keeps what templates were compiled to; where it cannot read or write, they are compiled again.

    `environment_source` is the program text that sets up the environment: its options and filters are compiled in.
    """

    def __init__(self, folder: Path, environment_source: str) -> None:
        self._folder = folder / "__pycache__"
        self._compiled_in = f"{jinja2.__version__}\n{environment_source}\n"
        super().__init__(str(self._folder), "%s.jinja")

    def get_source_checksum(self, source: str) -> str:
        """Returns a text that changes whenever anything changes that a template's code depends on."""
        return super().get_source_checksum(self._compiled_in + source)

    def load_bytecode(self, bucket: Bucket) -> None:
        """Load the code that is kept of a template, if it was compiled from this source."""
        with contextlib.suppress(OSError):
            super().load_bytecode(bucket)

    def dump_bytecode(self, bucket: Bucket) -> None:
        """Keep what a template was compiled to, if that can be done."""
        if sys.dont_write_bytecode:
            return
        with contextlib.suppress(OSError):
            self._folder.mkdir(exist_ok=True)
            super().dump_bytecode(bucket)
            Path(self._get_cache_filename(bucket)).chmod(_FOR_ALL_TO_READ)
