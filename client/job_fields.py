"""The fields of a new job as the API takes them: the one list that options, YAML keys and comparisons derive from.

A test compares it with the API's own description of a new job.
"""

from __future__ import annotations

import re
import sys
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from enum import StrEnum
from pathlib import Path
from typing import Any

import typer

from client.derived_options import was_given
from core import json_text
from core.errors import InvalidInput
from core.policies import CATCH_UP_WINDOW_SECONDS, CatchUp, Overlap
from core.priority import DEFAULT_PRIORITY, PRIORITY_WORDS

_STDIN = "-"
_WHOLE = re.compile(r"[0-9]{1,9}")


class Needed(StrEnum):
    """Stands in place of a default where a field has none."""

    ALWAYS = "always"


@dataclass(frozen=True)
class JobField:
    """A field: its default, and its option, of which `type` is what the command line parses and `read` the rest."""

    name: str
    default: Any = Needed.ALWAYS
    flag: str = ""
    help: str | None = None
    type: Any = str
    read: Callable[[str, Any], Any] = lambda _option, value: value

    @property
    def option(self) -> str:
        return self.flag or f"--{self.name.replace('_', '-')}"

    @property
    def is_needed(self) -> bool:
        return self.default is Needed.ALWAYS


def json_or_file(option: str, text: str) -> Any:
    """Returns the JSON value that an option gives: itself, in a file, or as `-` on standard input.

    Raises `typer.BadParameter`.
    """
    try:
        return json_text.parse(_content(text))
    except InvalidInput as refusal:
        faults = " ".join(f"{one.field} {one.message}" for one in refusal.fields)
        raise typer.BadParameter(f"{text[:60]!r} cannot be sent: {faults}", param_hint=option) from None
    except (OSError, ValueError) as error:
        fault = f"{text[:60]!r} is neither JSON nor @ and a file that holds it: {error}."
        if text == _STDIN:
            fault = f"standard input is not JSON: {error}."
        raise typer.BadParameter(fault, param_hint=option) from None


def _content(text: str) -> bytes:
    if text == _STDIN:
        return sys.stdin.buffer.read()
    return Path(text[1:]).read_bytes() if text.startswith("@") else text.encode()


def _whole_or_word(_option: str, text: str) -> Any:
    return int(text) if _WHOLE.fullmatch(text) else text


def _one_of(words: Iterable[str]) -> str:
    *others, last = words
    return f"{', '.join(others)} or {last}."


_PRIORITY_HELP = f"0 to 9, or {', '.join(PRIORITY_WORDS)}."

JOB_FIELDS = (
    JobField("app_name", flag="--app"),
    JobField("account_id", flag="--account"),
    JobField("user_id", flag="--user"),
    JobField("task_type"),
    JobField("schedule"),  # made of the options of `schedule_options`
    JobField("name", None),
    JobField("title", None, help="What people call it."),
    JobField("metadata", None, help="Kept with the job, unread: JSON, or @FILE.", read=json_or_file),
    JobField("tags", [], "--tag", "May be given more than once.", type=list[str]),
    JobField("board_id", None, "--board"),
    JobField("data", None, help="What the task is called with: JSON, or @FILE.", read=json_or_file),
    JobField("callback_url", None),
    JobField("priority", DEFAULT_PRIORITY, help=_PRIORITY_HELP, read=_whole_or_word),
    JobField("max_retries", None, type=int),
    JobField("retry_backoff_base", None, help="Seconds before the first retry.", type=float),
    JobField("retry_backoff_max", None, help="Seconds that no wait before a retry exceeds.", type=float),
    JobField("time_limit_seconds", None, "--time-limit", "Seconds for one attempt.", type=float),
    JobField("catch_up", CatchUp.LATEST.value, help=_one_of(CatchUp)),
    JobField(
        "catch_up_window_seconds", CATCH_UP_WINDOW_SECONDS, help="Seconds that occurrences may be late.", type=float
    ),
    JobField("overlap", Overlap.SKIP.value, help=_one_of(Overlap)),
    JobField("deadline", None, help="The instant by which a job that runs once is over."),
    JobField("deadline_seconds", None, help="Seconds after due, for one that recurs.", type=float),
    JobField("limit_key", None, help="Equal keys share a limit, for example {{data.customer}}."),
    JobField("expire", False, help="Drop a run that misses its deadline.", type=bool),
    JobField("keep", None, help='How long runs are kept: {"days": 90}, {"last": 20}, or both.', read=json_or_file),
)
BY_OPTION = tuple(one for one in JOB_FIELDS if one.name != "schedule")


def as_sent(given: dict[str, Any]) -> dict[str, Any]:
    """Returns the fields that options gave, as the API takes them. Raises `typer.BadParameter`."""
    values = {one.name: (one, given.get(one.name)) for one in BY_OPTION}
    return {name: one.read(one.option, value) for name, (one, value) in values.items() if was_given(value)}
