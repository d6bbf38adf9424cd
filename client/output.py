"""Prints the output of commands: tables for people, JSON for programs."""

from __future__ import annotations

import json
import sys
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

import typer
from rich.console import Console
from rich.table import Table
from rich.text import Text

from core import names

_WIDTH_OF_A_FILE = 1_000  # so that nothing is cut where no terminal says how wide it is
_NEVER_WRAPPED = ("id", "job", "run")


def document(value: Any) -> None:
    """Print one JSON document."""
    typer.echo(json.dumps(value, indent=2, ensure_ascii=False))


def line(value: Any) -> None:
    """Print one JSON object on a line of its own."""
    typer.echo(json.dumps(value, ensure_ascii=False))


def table(titles: Sequence[str], rows: Iterable[Sequence[Any]]) -> None:
    """Print a table; ids are never wrapped."""
    shown = Table(box=None, pad_edge=False, padding=(0, 2, 0, 0))
    for title in titles:
        wrapped = title not in _NEVER_WRAPPED
        shown.add_column(title, header_style="bold", no_wrap=not wrapped, overflow="fold")
    for row in rows:
        shown.add_row(*(Text(plain(cell)) for cell in row))
    _print(shown)


def fields(values: Mapping[str, Any]) -> None:
    """Print one object, a line for each of its fields that is not empty."""
    shown = Table(box=None, pad_edge=False, padding=(0, 2, 0, 0), show_header=False)
    shown.add_column(no_wrap=True, style="bold")
    shown.add_column(overflow="fold")
    for name, value in values.items():
        if value not in (None, [], {}):
            shown.add_row(Text(name), Text(plain(value)))
    _print(shown)


def plain(value: Any) -> str:
    """Returns a value as people read it. Control characters are shown, never sent to the terminal."""
    if value is None:
        return "-"
    text = value if isinstance(value, str) else json.dumps(value, ensure_ascii=False)
    return "".join(one if one == "\n" or names.without_controls(one) else repr(one)[1:-1] for one in text)


def _print(shown: Table) -> None:
    """Print, without colour and a limit on width unless on a terminal."""
    here = sys.stdout.isatty()
    console = Console(file=sys.stdout, width=None if here else _WIDTH_OF_A_FILE, highlight=False, emoji=False)
    with console.capture() as capture:
        console.print(shown)
    typer.echo("\n".join(one.rstrip() for one in capture.get().splitlines()))
