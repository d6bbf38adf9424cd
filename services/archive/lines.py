"""Runs as lines of the archive: all that is shown of each while it is in the database, as one JSON object."""

from __future__ import annotations

import json
from collections.abc import Iterator, Sequence
from datetime import datetime
from itertools import islice
from typing import Any
from uuid import UUID

from core import instants
from core.principals import LOCAL
from models import attempts, calls, database, lists, run_holds, run_lines
from services.reading.explaining import holds
from services.reading.failures import replays
from services.reading.views import AttemptView, LineView, run_view, view_of

_AT_ONCE = 20  # runs in memory at a time: of one with many tries, calls and lines there may be megabytes


def of_runs(run_ids: Sequence[UUID]) -> Iterator[bytes]:
    """Yields a line for each of these ended runs, in their order; one that is not there any more is left out."""
    waiting = iter(run_ids)
    while some := list(islice(waiting, _AT_ONCE)):
        with database.reading():
            lines = _lines(some)
        yield from lines


def _lines(run_ids: Sequence[UUID]) -> list[bytes]:
    tried, called = attempts.of_runs(run_ids), calls.of_runs(run_ids)
    held, logged = run_holds.of_runs(run_ids), run_lines.of_runs(run_ids)
    replayed = replays.of_runs(LOCAL, run_ids)
    lines = {}
    for run in lists.ended_runs(run_ids):
        tries = tried.get(run.id, [])
        shown = dict(vars(run_view(run)))
        del shown["worker_id"], shown["claimed_at"]  # only runs under way have them
        shown["holds"] = list(map(vars, holds.of_ended(run, held.get(run.id, []), [one.started_at for one in tries])))
        shown["attempts"] = [vars(view_of(AttemptView, one, call=called.get((run.id, one.number)))) for one in tries]
        shown["replays"] = list(map(vars, replayed.get(run.id, [])))
        shown["log"] = [vars(view_of(LineView, one)) for one in logged.get(run.id, [])]
        lines[run.id] = _written(shown)
    return [lines[one] for one in run_ids if one in lines]


def _written(shown: dict[str, Any]) -> bytes:
    return json.dumps(shown, ensure_ascii=False, separators=(",", ":"), default=_text).encode() + b"\n"


def _text(value: Any) -> str:
    if isinstance(value, datetime):
        return instants.shown(value)
    return str(value)  # an id
