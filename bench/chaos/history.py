"""Triggers that note each change of a run and of a polling state in the database, and the reading of all rows."""

from __future__ import annotations

import dataclasses
import json
from collections.abc import Iterable
from typing import Any

from bench.chaos.evidence import AttemptRow, JobRow, RunRow, Step
from bench.servers import Place

_TABLES = """
CREATE TABLE chaos_steps (
    seq BIGSERIAL PRIMARY KEY, run_id UUID, before TEXT, after TEXT, fence_before BIGINT, fence_after BIGINT,
    attempts_before INTEGER, attempts_after INTEGER, is_cancelled BOOLEAN
);
CREATE TABLE chaos_polling (seq BIGSERIAL PRIMARY KEY, job_id UUID, before INTEGER, after INTEGER);
CREATE FUNCTION chaos_step() RETURNS TRIGGER LANGUAGE plpgsql AS $$
BEGIN
    INSERT INTO chaos_steps (run_id, before, after, fence_before, fence_after, attempts_before, attempts_after,
        is_cancelled)
        VALUES (OLD.id, OLD.status, NEW.status, OLD.fence, NEW.fence, OLD.attempt_count, NEW.attempt_count,
        OLD.cancel_requested_at IS NOT NULL);
    RETURN NULL;
END $$;
CREATE FUNCTION chaos_polled() RETURNS TRIGGER LANGUAGE plpgsql AS $$
BEGIN
    INSERT INTO chaos_polling (job_id, before, after) VALUES (OLD.id, OLD.polling_version, NEW.polling_version);
    RETURN NULL;
END $$;
CREATE TRIGGER chaos_step AFTER UPDATE ON runs FOR EACH ROW
    WHEN (OLD.status <> NEW.status OR OLD.fence <> NEW.fence OR OLD.attempt_count <> NEW.attempt_count)
    EXECUTE FUNCTION chaos_step();
CREATE TRIGGER chaos_polled AFTER UPDATE ON jobs FOR EACH ROW
    WHEN (OLD.polling_version <> NEW.polling_version) EXECUTE FUNCTION chaos_polled();
"""
_EPOCH = "extract(epoch FROM {})::DOUBLE PRECISION".format
_JOBS = f"""
SELECT id::TEXT, data, account_id, task_type, state, schedule, overlap, {_EPOCH("created_at")},
    deleted_at IS NOT NULL FROM jobs
"""  # noqa: S608  names of columns
_RUNS = f"""
SELECT id::TEXT, job_id::TEXT, trigger, status, {_EPOCH("scheduled_for")}, {_EPOCH("due_at")}, {_EPOCH("created_at")},
    {_EPOCH("started_at")}, {_EPOCH("finished_at")}, reason, occurrences, attempt_count, fence,
    lease_expires_at IS NOT NULL, was_held OR rate_limited_at IS NOT NULL FROM runs
"""  # noqa: S608  names of columns
_ATTEMPTS = f"""
SELECT run_id::TEXT, number, fence, {_EPOCH("started_at")}, {_EPOCH("finished_at")}, outcome, answer FROM attempts
"""  # noqa: S608  names of columns
_STEPS = """
SELECT run_id::TEXT, before, after, fence_before, fence_after, attempts_before, attempts_after, is_cancelled
FROM chaos_steps ORDER BY seq
"""
_POLLING = "SELECT job_id::TEXT, before, after FROM chaos_polling ORDER BY seq"
_UNFINISHED = """
SELECT (SELECT count(*) FROM runs WHERE finished_at IS NULL)
    + (SELECT count(*) FROM jobs WHERE next_run_at IS NOT NULL)
"""
_COMING = "SELECT count(*) FROM jobs WHERE next_run_at > now()"
_LAST_STEP = "SELECT coalesce(max(seq), 0) FROM chaos_steps"


def install(place: Place) -> None:
    """Begin to note changes; the tables of Carillon are there."""
    place.query(_TABLES)


def unfinished(place: Place) -> tuple[int, int]:
    """Returns how many runs and schedules are not over, and the number of the last change."""
    return place.count(_UNFINISHED), place.count(_LAST_STEP)


def is_one_to_come(place: Place) -> bool:
    """Tell whether a schedule has an occurrence to come that has no row yet."""
    return place.count(_COMING) > 0


def jobs(place: Place) -> Iterable[JobRow]:
    """Read all jobs."""
    for job_id, data, account, task_type, state, schedule, *rest in place.query(_JOBS):
        given = _json(data)
        row = JobRow(job_id, given.get("n"), account, task_type, state, _json(schedule), *rest)
        yield dataclasses.replace(row, recipient=given.get("recipient"))


def runs(place: Place) -> Iterable[RunRow]:
    """Read all runs."""
    return (RunRow(*row) for row in place.query(_RUNS))


def attempts(place: Place) -> Iterable[AttemptRow]:
    """Read all attempts."""
    for *row, answer in place.query(_ATTEMPTS):
        run_id, number, fence, started, finished, outcome = row
        answered_for = _json(answer).get("attempt")
        yield AttemptRow(run_id, number, fence, started, finished, outcome, answered_for)


def steps(place: Place) -> Iterable[Step]:
    """Read every change of a run, in order."""
    return (Step(*row) for row in place.query(_STEPS))


def polling_versions(place: Place) -> Iterable[tuple[str, int, int]]:
    """Read every change of a polling state's version, in order."""
    return ((job_id, before, after) for job_id, before, after in place.query(_POLLING))


def _json(text: Any) -> dict[str, Any]:
    if isinstance(text, dict):
        return text
    try:
        value = json.loads(text or "{}")
    except ValueError:
        return {}
    return value if isinstance(value, dict) else {}
