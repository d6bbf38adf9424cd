"""Migrations: a database full of what the version before wrote goes forward, and loses nothing."""

from __future__ import annotations

from contextlib import closing
from dataclasses import replace
from datetime import timedelta
from uuid import UUID

import psycopg2
import pytest

from core.accounts import TokenKind
from core.policies import CatchUp, Overlap
from core.principals import LOCAL
from core.schedules import Interval
from core.scopes import Scope
from core.states import Hold, RunStatus
from core.token_hashes import hashed
from core.trace_context import TraceContext
from migrations import runner
from models import database, links
from models.tables import (
    AppQuotas,
    Attempt,
    HeldKey,
    Installation,
    Job,
    Limit,
    Minute,
    MinuteHold,
    Run,
    RunHold,
    Use,
    Worker,
    db,
)
from services.access import authentication, own_tokens
from services.jobs import creating, lifecycle
from services.scheduling import dispatching
from tests.factories import NOON, claim_one, given_system, new_job, record, runs_of, succeeded
from tests.integration.models.former import APP, INSTANT, STATUSES, row


def test_what_the_core_wrote_is_all_there_and_goes_on(former: None) -> None:
    assert runner.upgrade()[0] == "0002_time_and_control"
    with database.reading():
        runs = list(Run.select().order_by(Run.scheduled_for))
        assert [run.status for run in runs] == STATUSES
        assert Attempt.select().count() == len(STATUSES)
        job = Job.get()
    assert (job.catch_up, job.overlap, job.expire, job.name) == (CatchUp.LATEST, Overlap.SKIP, False, None)
    live = [run for run in runs if run.finished_at is None]
    assert {run.aged_at for run in live} == {NOON}
    assert {run.expire for run in runs} == {False}
    system = given_system()
    lifecycle.resume(LOCAL, system, job.id)
    record(system, claim_one(system), succeeded())


def test_the_plan_names_what_would_be_applied_and_applies_nothing(former: None) -> None:
    planned = runner.pending()
    assert planned == runner.pending()
    assert planned[0][0] == "0002_time_and_control"
    assert all(purpose for _, purpose in planned)
    assert "must be stopped first" in dict(planned)["0020_limits_by_key"]
    assert runner.upgrade() == [name for name, _ in planned]
    assert runner.pending() == []


def test_a_migrated_database_holds_what_only_the_new_schema_can(former: None) -> None:
    runner.upgrade()
    system = given_system()
    job_id = creating.create(
        LOCAL, system, new_job(Interval(every_seconds=60), overlap=Overlap.QUEUE_ONE, name="nightly")
    )
    system.clock.advance(60)
    dispatching.make_due(system, [run.id for run in runs_of(job_id)])
    assert [run.held_by for run in runs_of(job_id)] == [None, "overlap", None]


def test_jobs_from_before_have_no_rule_of_their_own_for_how_long_runs_are_kept(former: None) -> None:
    runner.upgrade("0019_changes")
    assert "0025_keep" in runner.upgrade()
    job = Job.get()
    assert (job.keep_days, job.keep_last) == (None, None)
    Job.update(keep_days=1.5, keep_last=3).execute()
    job = Job.get()
    assert (job.keep_days, job.keep_last) == (1.5, 3)


def test_limits_stay_and_runs_from_before_wait_in_one_line_beside_the_accounts(former: None) -> None:
    runner.upgrade("0026_request_buckets")
    columns = "key, kind, app_id, concurrency, created_at, updated_at"
    db.execute_sql(
        f"INSERT INTO limits ({columns}) VALUES ('app:a', 'app', '{APP}', 3, '{INSTANT}', '{INSTANT}')"  # noqa: S608
    )
    assert "0027_fairness" in runner.upgrade()
    assert [(row.key, row.concurrency, row.weight) for row in Limit.select()] == [("app:a", 3, None)]
    Limit.insert(
        key="account:a/x", kind="account", app_id=UUID(APP), weight=2.5, created_at=NOON, updated_at=NOON
    ).execute()
    system = given_system()
    lifecycle.resume(LOCAL, system, Job.get().id)
    [anew] = runs_of(creating.create(LOCAL, system, new_job(account_id="anew")))
    claimed = {Run.get_by_id(claim_one(system).run_id).party for _ in range(2)}
    assert (anew.party, claimed) == ("account:app_a/anew", {"", "account:app_a/anew"})


def test_an_installation_gets_an_identity_and_its_runs_may_be_held_for_a_restore(former: None) -> None:
    runner.upgrade("0026_request_buckets")
    assert "0031_restores" in runner.upgrade()
    with database.transaction():
        found = Installation.get()
        assert (len(found.identity), found.mark, found.home, found.restored_at) == (32, 0, None, None)
        for hold in Hold:
            assert Run.update(held_by=hold).where(Run.status == RunStatus.QUEUED).execute() == 1
        held = Run.select().where(Run.status == RunStatus.QUEUED).get()
    assert held.held_by is Hold.RESTORED
    assert database.attempt(lambda: Run.update(held_by="another").execute()) is not None


def test_what_was_held_before_there_was_a_history_has_none_and_what_comes_has(former: None) -> None:
    runner.upgrade("0031_restores")
    db.execute_sql(
        "INSERT INTO limits (key, kind, weight, created_at, updated_at) "  # noqa: S608
        f"VALUES ('account:a/x', 'account', 0.5, '{INSTANT}', '{INSTANT}')"
    )
    assert "0033_holds_and_weights" in runner.upgrade()
    assert [(row.weight, row.weight_put_by) for row in Limit.select()] == [(0.5, None)]
    system = given_system()
    job_id = Job.get().id
    lifecycle.resume(LOCAL, system, job_id)
    assert RunHold.select().count() == 0
    system.clock.advance(1)
    lifecycle.pause(LOCAL, system, job_id)
    [hold] = RunHold.select()
    assert (hold.held_by, hold.since, hold.until) == (Hold.PAUSED, system.clock.now(), None)


def test_figures_and_workers_from_before_stay_without_what_was_not_kept_then(former: None) -> None:
    runner.upgrade("0033_holds_and_weights")
    row("minutes", minute=INSTANT, started=1, completed=1, failed=0, waiting=2, lateness_p95_seconds=0.5)
    row("workers", id=APP, host="old", pid=1, threads=2, started_at=INSTANT, heartbeat_at=INSTANT)
    assert "0035_figures" in runner.upgrade()
    minute, worker = Minute.get(), Worker.get()
    assert (minute.waiting, minute.lateness_p95_seconds, minute.lateness_p50_seconds) == (2, 0.5, None)
    assert (worker.host, worker.version, MinuteHold.select().count()) == ("old", None, 0)


def test_runs_from_before_have_no_trace_and_new_ones_may(former: None) -> None:
    runner.upgrade("0031_restores")
    assert "0032_traces" in runner.upgrade()
    system = given_system()
    lifecycle.resume(LOCAL, system, Job.get().id)
    trace = TraceContext("1" * 32, "2" * 16, is_sampled=True, state="a=1")
    creating.create(replace(LOCAL, trace=trace), system, new_job())
    works = {claim_one(system).trace for _ in range(2)}
    assert works == {None, trace}


def test_a_link_that_waited_before_it_could_be_put_off_is_sent_at_once(former: None) -> None:
    runner.upgrade("0033_holds_and_weights")
    user, link = "018f0000000070008000000000000400", "018f0000000070008000000000000500"
    ada = {"username": "ada", "username_key": "ada", "email": "a@example.com", "password_hash": "-"}
    row("users", id=user, created_at=INSTANT, **ada)
    asked = {"created_at": INSTANT, "expires_at": "2026-12-20T12:00:00.000000Z", "created_by": "10.0.0.1"}
    row("links", id=link, purpose="reset", user_id=user, **asked)
    assert "0037_links_put_off" in runner.upgrade()
    found = links.to_send(NOON)
    assert found is not None
    links.put_off(found[0], NOON + timedelta(seconds=60))
    assert links.to_send(NOON) is None
    assert links.to_send(NOON + timedelta(seconds=60)) is not None


@pytest.mark.parametrize("former", ["postgresql"], indirect=True)
def test_a_migration_that_meets_a_lock_steps_back_and_is_tried_again(
    former: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    runner.upgrade("0026_request_buckets")
    with closing(psycopg2.connect(former)) as reader, reader.cursor() as cursor:
        cursor.execute("SELECT COUNT(*) FROM runs")  # and goes on reading
        stepped_back: list[float] = []

        def let_go(seconds: float) -> None:
            with database.reading():  # nobody waits for the migration meanwhile
                assert Run.select(Run.id).count()
            stepped_back.append(seconds)
            reader.rollback()

        monkeypatch.setattr(runner, "_LOCK_WAIT", "50ms")
        monkeypatch.setattr("migrations.runner.time.sleep", let_go)
        assert "0031_restores" in runner.upgrade()
    assert len(stepped_back) == 1


# Names that were different, as they were compared before, with the app or job that a new spelling now finds.
def test_a_token_that_was_given_before_is_listed_and_opens_what_it_did(former: None) -> None:
    runner.upgrade("0019_changes")
    user = "018f0000000070008000000000000400"
    with database.transaction():
        ada = {"username": "ada", "username_key": "ada", "email": "a@example.com", "password_hash": "-"}
        row("users", id=user, created_at=INSTANT, **ada)
        instants = {"created_at": INSTANT, "used_at": INSTANT, "expires_at": "2026-12-20T12:00:00.000000Z"}
        row("tokens", hash=hashed("carillon_former"), user_id=user, kind="token", **instants)
    runner.upgrade()
    system = given_system()
    principal = authentication.of_token(system, "carillon_former", TokenKind.TOKEN)
    assert principal is not None
    [shown] = own_tokens.listed(principal, system, "carillon_former")
    assert (shown.name, shown.scopes, shown.is_current, principal.is_admin) == (None, tuple(Scope), True, False)
    own_tokens.revoke(principal, system, shown.id)
    assert authentication.of_token(system, "carillon_former", TokenKind.TOKEN) is None


def test_runs_that_an_accounts_rate_held_go_on_under_the_key_of_its_app_and_its_calls_still_count(former: None) -> None:
    runner.upgrade("0019_changes")
    with database.transaction():
        db.execute_sql("UPDATE runs SET held_by = 'rate_limit', held_until = due_at WHERE status = 'queued'")
        db.execute_sql("UPDATE attempts SET account_id = 'acc1'")
        db.execute_sql("INSERT INTO rate_limited_accounts (account_id, until) SELECT 'acc1', due_at FROM runs LIMIT 1")
    runner.upgrade()
    with database.reading():
        [waiting] = Run.select().where(Run.held_by == Hold.RATE_LIMIT)
        assert waiting.held_key == "account:app_a/acc1"
        assert [row.key for row in HeldKey.select()] == ["account:app_a/acc1"]
        running = Use.select().where(Use.key == "account:app_a/acc1", Use.ended_at.is_null())
        assert running.count() == Run.select().where(Run.status == RunStatus.RUNNING).count() == 1
    with database.transaction():
        Run.update(held_by=Hold.CONCURRENCY).where(Run.id == waiting.id).execute()
    with pytest.raises(Exception, match="held_by"), database.transaction():
        db.execute_sql("UPDATE runs SET held_by = 'nobody' WHERE status = 'queued'")


def test_quotas_from_before_limit_no_requests(former: None) -> None:
    runner.upgrade("0035_figures")
    db.execute_sql(f"INSERT INTO app_quotas (app_id, jobs, updated_at) VALUES ('{APP}', 3, '{INSTANT}')")  # noqa: S608
    assert "0036_app_requests" in runner.upgrade()
    [row] = AppQuotas.select()
    assert (row.jobs, row.requests_per_minute) == (3, None)
    assert database.attempt(lambda: AppQuotas.update(requests_per_minute=0).execute()) is not None
