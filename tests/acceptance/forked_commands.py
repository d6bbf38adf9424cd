"""Commands of `cli.py`, each in a process that is forked from one that has imported the most, which is cheap."""

from __future__ import annotations

import multiprocessing
import os
import sys
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from tests.waiting import LONGEST

_CONTEXT = multiprocessing.get_context("forkserver")
_CONTEXT.set_forkserver_preload(["cli", "processes.start", "processes.on_database", "local.on_this_machine"])


@dataclass(frozen=True)
class Ended:
    """How a command ended, and what it said."""

    status: int | None
    output: str
    errors: str


def run(arguments: tuple[str, ...], environment: Mapping[str, str], folder: Path) -> Ended:
    """Run a command in this folder with this environment alone, to its end."""
    files = folder / "said", folder / "complained"
    process = _CONTEXT.Process(target=_run, args=(arguments, dict(environment), folder, *files))
    process.start()
    process.join(LONGEST)
    if process.is_alive():
        process.kill()
        process.join()
    return Ended(process.exitcode, *(file.read_text() for file in files))


def _run(arguments: tuple[str, ...], environment: dict[str, str], folder: Path, *files: Path) -> None:
    os.chdir(folder)
    os.environ.clear()
    os.environ.update(environment)
    for stream, file in zip((sys.stdout, sys.stderr), files, strict=True):
        os.dup2(os.open(file, os.O_WRONLY | os.O_CREAT | os.O_TRUNC), stream.fileno())
    import cli  # it is there already, with most of what it runs: the server of the forks has imported it  # noqa: PLC0415

    cli.main(list(arguments))
