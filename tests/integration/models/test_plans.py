"""Each hot question is answered from its index, on both databases."""

from __future__ import annotations

import re
from collections.abc import Callable
from datetime import timedelta
from typing import Any

import pytest

from core import schedules
from core.filters import JobFilter, RunFilter
from core.listing import NEWEST_FIRST, Stretch
from core.states import JobState, RunStatus, Trigger
from models import (
    alerts,
    attempts,
    backlog,
    claims,
    coming_runs,
    database,
    durations,
    ended_runs,
    failing_calls,
    failures,
    held_keys,
    jobs,
    limits,
    lists,
    not_fired,
    open_alerts,
    outcomes,
    overdue,
    overlap_queue,
    pruning,
    runs,
    shown_jobs,
    statistics,
    thread_times,
    upcoming,
    waiting,
    waiting_parties,
)
from models.fields import new_id
from models.hot import claims as hot_claims
from models.hot import due_rows, statuses, whose
from models.tables import Job, Run, db
from tests import statements
from tests.factories import NOON, GivenSystem, create_jobs, new_job

# PostgreSQL says how it carries out the statements within functions, too.
TELLING_PLANS = (
    "LOAD 'auto_explain'",
    "SET LOCAL auto_explain.log_min_duration = 0",
    "SET LOCAL auto_explain.log_nested_statements = on",
    "SET LOCAL client_min_messages = log",
)
PRIMARY_KEYS = {name: f"{name}_pkey|sqlite_autoindex_{name}_1" for name in ("attempts", "jobs", "runs")}
REPLAYED = RunFilter(trigger=Trigger.RETRY, created_from=NOON, created_before=NOON + timedelta(hours=1))
# What is left of the rows of other tests, in tables and indexes, would have its say in the plans.
EMPTY = "TRUNCATE jobs, runs CASCADE"
RANGE_OF_IDS = (
    r"sqlite_autoindex_runs_1 \(id>\? AND id<\?\)|Index Cond: \(\(id >= '[^']*'::uuid\) AND \(id < |runs_repeats"
)
NEWEST_ENDED = r"CO-ROUTINE ended'\)\n.*USING INDEX runs_ended|Limit .*\n.*Index Scan Backward using runs_ended"
AT_MOST = {"most_planned": 10, "most_waiting": 10, "most_running": 10}
QUESTIONS: list[tuple[Callable[[], object], str]] = [
    (lambda: claims.claimable("runs.http", 10), "runs_to_claim"),
    (lambda: runs.due_by(NOON, 10), "runs_to_make_due"),
    (lambda: runs.due_by(NOON, 10, {new_id()}), "runs_to_make_due"),
    *(
        (lambda: due_rows.lock([new_id()], NOON, waits_for_locks=False), one)
        for one in (PRIMARY_KEYS["runs"], PRIMARY_KEYS["jobs"])
    ),
    (lambda: claims.expired(NOON, 10), "runs_leased"),
    (lambda: claims.expired(NOON, 10, {new_id()}), "runs_leased"),
    (lambda: due_rows.going([new_id()]), "runs_live"),
    (lambda: jobs.with_live_run([new_id()]), "runs_live"),
    (lambda: shown_jobs.by_ids([new_id()]), "runs_live"),
    (lambda: shown_jobs.by_ids([new_id()]), "runs_of_job"),
    (lambda: lists.run_page(RunFilter(job_id=new_id()), Stretch(limit=10)), "runs_of_job"),
    (lambda: lists.run_page(REPLAYED, Stretch(limit=10)), RANGE_OF_IDS),
    (lambda: lists.run_statuses(REPLAYED), RANGE_OF_IDS),
    (lambda: open_alerts.newest(JobFilter(), 10), "jobs_in_alert"),
    (lambda: lists.job_page(JobFilter(paused=True), NEWEST_FIRST, Stretch(limit=10)), "jobs_paused"),
    (lambda: lists.job_count(JobFilter(paused=True)), "jobs_paused"),
    (lambda: waiting.running(JobFilter(), 10), "runs_leased"),
    (lambda: waiting_parties.some(["runs.http"], JobFilter(), 10, 10), "runs_to_claim"),
    (lambda: statistics.job_states(JobFilter()), "runs_live"),
    (lambda: statistics.ended_within(NOON, NOON), "runs_ended"),
    *(
        (lambda: statistics.starts_within(NOON, NOON), one)
        for one in ("runs_ended", "runs_leased|runs_in_flight", "runs_begun_before")
    ),
    *(
        (lambda: statistics.waiting_before(NOON), one)
        for one in ("runs_to_claim", "runs_held ", "runs_to_make_due", "runs_begun_before")
    ),
    *((backlog.due, one) for one in ("runs_to_claim|runs_live", "runs_held ")),  # the first: there are few rows
    (lambda: ended_runs.cut_at(NOON, 10), "runs_ended"),
    (lambda: ended_runs.ended(NOON, NOON, 10), "runs_ended"),
    (lambda: ended_runs.ended_of_jobs(JobFilter(), NOON, 10, 10), "runs_ended"),
    (lambda: upcoming.planned(JobFilter(), NOON, 10), "runs_to_make_due"),
    (lambda: upcoming.first_planned(JobFilter(), NOON, 10, 10), "runs_to_make_due"),
    *(
        (lambda: coming_runs.of_queues(["runs.http"], NOON, **AT_MOST), one)
        for one in ("runs_to_make_due", "runs_to_claim", "runs_in_flight")
    ),
    (lambda: coming_runs.totals(["runs.http"], NOON, 10), "runs_to_claim"),
    (lambda: thread_times.of_jobs([new_id()], 20), "runs_of_job"),
    (lambda: thread_times.of_kinds(10), "runs_ended"),
    (lambda: failures.newest(JobFilter(), NOON, 10), "runs_failed"),
    (lambda: not_fired.newest(JobFilter(), NOON, 10), "runs_not_fired"),
    (lambda: failing_calls.newest(JobFilter(), NOON, 10), "runs_live"),
    (lambda: failing_calls.newest(JobFilter(), NOON, 10), "runs_failed"),
    (lambda: failing_calls.last_of_runs([new_id()]), PRIMARY_KEYS["attempts"]),
    (lambda: limits.ended_uses("app:a", NOON, 10), "uses_of_key"),
    (lambda: outcomes.newest([new_id()], 20, None), "runs_of_job"),
    (lambda: durations.slower(JobFilter(), NOON, 10, None), "runs_of_job|runs_ended"),  # either: there are few rows
    (lambda: durations.differed_most(JobFilter(), NOON, None), NEWEST_ENDED),
    (lambda: pruning.ended_runs(None, NOON, 10), "runs_ended"),
    (lambda: jobs.lock_to_plan(NOON, NOON, 10), "jobs_to_plan"),
    (lambda: overlap_queue.ready_jobs(10), "runs_waiting_for_turn"),
    (lambda: overlap_queue.have_waiting_occurrence([new_id()]), "runs_waiting_for_turn"),
    (lambda: overlap_queue.lock_next([new_id()]), "runs_waiting_for_turn"),
    (lambda: overlap_queue.lock_next([], [new_id()]), "runs_waiting_for_turn"),
    (lambda: overdue.to_age(NOON, 10), "runs_to_age"),
    (lambda: overdue.past_deadline(NOON, 10), "runs_with_deadline"),
    (lambda: overdue.past_deadline(NOON, 10, {new_id()}), "runs_with_deadline"),
    (lambda: overdue.late(NOON, 10), "runs_may_be_late"),
    (lambda: overdue.late(NOON, 10, {new_id()}), "runs_may_be_late"),
    (lambda: alerts.take(NOON, NOON, 10), "alerts_to_tell"),
    (lambda: held_keys.first_held("app:a", 10, needs_job=False), "runs_held_by_key"),
    (lambda: held_keys.given("app:a"), "runs_held_by_key"),
    (lambda: held_keys.waiting_by_key(["app:a"], 10), "runs_held_by_key"),
    (held_keys.unrecorded, "runs_held_by_key"),
    (lambda: lists.executions(new_id(), Stretch(limit=10)), "runs_of_job"),
    *((lambda: whose.run(new_id()), one) for one in (PRIMARY_KEYS["runs"], PRIMARY_KEYS["jobs"])),
    (lambda: attempts.by_token(new_id(), "x"), PRIMARY_KEYS["attempts"]),
    (lambda: statuses.of_job(new_id(), 20), "runs_live"),
    (lambda: statuses.of_job(new_id(), 20), "runs_of_job"),
    (lambda: statuses.of_job(new_id(), 20), PRIMARY_KEYS["attempts"]),
]


def test_each_hot_question_is_answered_from_its_index(system: GivenSystem) -> None:
    _fill(system)
    answered_otherwise = {}
    for question, index in QUESTIONS:
        with statements.noted() as sent, database.transaction():
            question()
        plans = "\n".join(_plan(sql, params) for sql, params in sent)
        if not re.search(index, plans):
            answered_otherwise[index] = plans
    assert not answered_otherwise


@pytest.mark.parametrize("store", ["postgresql"], indirect=True)
def test_a_claim_planned_over_an_empty_queue_still_reads_it_in_the_order_of_its_index(system: GivenSystem) -> None:
    with database.transaction():
        assert hot_claims.candidates("runs.http", 5, NOON, {}) == []
    _fill(system)
    with database.transaction():
        for statement in TELLING_PLANS:
            db.execute_sql(statement)
        assert len(hot_claims.candidates("runs.http", 5, NOON + timedelta(days=1), {})) == 5
        plan = "\n".join(db.connection().notices)
    assert "Index Scan using runs_to_claim" in plan
    assert "Sort" not in plan


def _fill(system: GivenSystem) -> None:
    """Enough rows of every kind that an index is worth choosing, and choosing well."""
    if not database.is_sqlite():
        db.execute_sql(EMPTY)
    ended = {"status": RunStatus.COMPLETED, "finished_at": NOON}
    kinds: list[dict[str, Any]] = [{"status": RunStatus.PENDING}, {"status": RunStatus.QUEUED}, ended, ended]
    create_jobs(system, [new_job(schedules.DelayFromNow(60))] * 40, all_or_none=True)
    instants = [NOON + timedelta(minutes=minute) for minute in range(30)]
    with database.transaction():
        drafts = [
            runs.draft(job, Trigger.MANUAL, instant, NOON, **kinds[number % len(kinds)])
            for job in Job.select()
            for number, instant in enumerate(instants)
        ]
        runs.insert(drafts)
        Job.update(failures_in_row=5).where(Job.id == drafts[0]["job"]).execute()  # an empty index has no figures
        Run.update(status=RunStatus.SKIPPED).where(Run.id == drafts[2]["id"]).execute()
        Job.update(state=JobState.PAUSED).where(Job.id == drafts[-1]["job"]).execute()
        db.execute_sql("ANALYZE")


def _plan(sql: str, params: Any) -> str:
    """How the database would answer, on PostgreSQL as if the tables were too large to be read whole."""
    with database.reading():
        if not database.is_sqlite():
            db.execute_sql("SET LOCAL enable_seqscan = off")
        explain = "EXPLAIN QUERY PLAN" if database.is_sqlite() else "EXPLAIN"
        return "\n".join(str(row) for row in db.execute_sql(f"{explain} {sql}", params).fetchall())
