"""What core decides about the end of an attempt is all written: by SQLite's statements as by PostgreSQL's function."""

from __future__ import annotations

import re
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from itertools import product
from pathlib import Path
from uuid import UUID

from core import attempt_endings
from core.attempt_endings import Ending, Facts
from core.errors import PermanentFailure, TransientFailure
from core.polls import PollingFacts
from core.receiver_answers import PollAnswer
from core.retry import GIVE_UP, RetryDecision
from core.schedules import Polling
from core.states import Hold, JobState, Outcome
from migrations import runner
from models.hot import sqlite

NOON = datetime(2026, 11, 20, 12, tzinfo=UTC)
FOLDER = Path(runner.__file__).parent / "functions"
ANSWER = PollAnswer({"page": 2}, done=False, next_in_seconds=None, progress=0.5, message="x")


def endings() -> Iterator[Ending]:
    """Every kind of ending there is, of runs in every state that matters for it."""
    states = (JobState.ACTIVE, JobState.CANCELLED)
    for cancelled, state, expired, version in product((None, NOON), states, (False, True), (0, 1)):
        facts = Facts(
            UUID(int=1), NOON, 0, 0, 1, expired, NOON - timedelta(1), NOON if expired else None, None, cancelled, state,
            job_recurs=False, polling=PollingFacts(Polling(20), {}, 1, 0, NOON), polling_version=version,
        )  # fmt: skip
        yield attempt_endings.succeed(facts, None, NOON, result={"a": 1}, note="x", status_code=200, answer="{}")
        yield attempt_endings.succeed(facts, ANSWER, NOON, result=None)
        for decision in (RetryDecision(3.0), GIVE_UP):
            error = TransientFailure("Busy.", status_code=503)
            yield attempt_endings.fail(facts, error, decision, NOON, answer="busy", result={})
            yield attempt_endings.lose(facts, decision, NOON)
        yield attempt_endings.fail(facts, PermanentFailure("Gone.", status_code=410), GIVE_UP, NOON, answer=None)
        yield attempt_endings.release(facts, NOON, held_by=Hold.PAUSED)
        yield attempt_endings.cancel(facts, Outcome.FAILED, NOON)


def test_the_function_writes_every_column_of_a_run_that_an_ending_may_change() -> None:
    text = (FOLDER / "end_v3.sql").read_text(encoding="utf-8")
    written = {"status", *re.findall(r"e\.c \? '(\w+)'", text)}
    assert {name for ending in endings() for name in ending.changes} <= written


def test_both_databases_write_every_column_of_an_attempt_that_an_ending_may_change() -> None:
    of_end = list(sqlite._OF_END)
    function = (FOLDER / "end_v3.sql").read_text(encoding="utf-8")
    for text in (function, sqlite._KEEP_ATTEMPT):
        [(inserted, selected, assigned)] = re.findall(
            r"INSERT INTO attempts.*?\((.*?)\)\s+SELECT (.*?)\sFROM.*?DO UPDATE SET(.*?)WHERE", text, re.DOTALL
        )
        columns = re.findall(r"\w+", inserted)
        values = re.split(r",\s*(?![^(]*\))", selected.strip())
        assert len(columns) == len(values)
        given = [(column, value) for column, value in zip(columns, values, strict=True) if column in of_end]
        # SQLite's marks have no names: they are given in the order of the list.
        assert given in ([(one, f"e.{one}") for one in of_end], [(one, "?") for one in of_end])
        assert re.findall(r"(\w+) = EXCLUDED\.\1\b", assigned) == of_end
    assert {name for ending in endings() for name in ending.attempt} <= set(of_end)
