"""What the command line reads and writes: one that cannot be used ends it in one line, never with a traceback."""

from __future__ import annotations

import os
import sys
from collections.abc import Iterator, Sequence
from contextlib import contextmanager

import typer

_WRONG_USE = 2
_FAILED = 1


@contextmanager
def guarded(words: Sequence[str]) -> Iterator[None]:
    """Refuse arguments that are not in UTF-8, and report in one line that the output cannot be written."""
    for stream in (sys.stdout, sys.stderr):
        if hasattr(stream, "reconfigure"):
            stream.reconfigure(errors="backslashreplace")  # a terminal may lack characters that a job has
    _refuse_odd_bytes(words)
    try:
        try:
            yield
        finally:
            sys.stdout.flush()
    except BrokenPipeError:  # the reader, such as `head`, has enough
        _discard_output()
        sys.exit(_FAILED)
    except OSError as error:
        if error.filename is not None:
            raise
        _discard_output()
        typer.echo(f"The output cannot be written: {error.strerror}.", err=True)
        sys.exit(_FAILED)


def _refuse_odd_bytes(words: Sequence[str]) -> None:
    for place, word in enumerate(words, start=1):
        if any("\ud800" <= character <= "\udfff" for character in word):
            shown = os.fsencode(word)[:60]
            typer.echo(f"Argument {place}, {str(shown)[1:]}, is not in UTF-8; write it again.", err=True)
            sys.exit(_WRONG_USE)


def _discard_output() -> None:
    """Discard what is still buffered, or the interpreter would try again at its end and complain."""
    os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
