"""Owners are told of jobs that keep failing or do not run in time: once until they recover, and never lost."""

from __future__ import annotations

from datetime import timedelta
from uuid import UUID

import pytest
import structlog

from core.principals import LOCAL
from core.schedules import Cron, DelayFromNow, Immediate, Interval, Polling, Schedule
from core.states import JobState, RunStatus
from models import database
from models.hot import endings
from models.hot.rows import JobChange
from models.tables import Alert, Job, Run, User
from services.alerts import sending
from services.alerts.sending import AGAIN_AFTER
from services.execution.work import Result
from services.jobs import creating, lifecycle, requested_runs
from services.scheduling import dispatching, overdue, planning
from tests.factories import (
    NOON,
    GivenSystem,
    claim_one,
    failed,
    first_run,
    given_system,
    new_job,
    polled,
    record,
    refused,
    runs_of,
    stored_job,
    succeeded,
)
from tests.integration.email.conftest import failing_job, mailing
from tests.integration.execution.attempting import attempt, make_due_again
from tests.mail_server import TAKEN, MailServer

pytestmark = pytest.mark.usefixtures("store")

ADA = "ada@example.com"
EACH_MINUTE = Interval(every_seconds=60)


def waiting_alerts() -> list[str]:
    """What is noted and not told yet."""
    with database.reading():
        return [alert.kind.value for alert in Alert.select().where(Alert.told_at.is_null()).order_by(Alert.id)]


def next_run(system: GivenSystem, job_id: UUID) -> Run:
    """The next run of a job that comes back, planned if it is not yet."""
    planning.plan(system)
    return next(run for run in runs_of(job_id) if run.status is RunStatus.PENDING)


def end_runs(system: GivenSystem, job_id: UUID, count: int, result: Result) -> None:
    """Execute this many runs of a recurring job, each at its instant, with this result."""
    for _ in range(count):
        make_due_again(system, next_run(system, job_id).id)
        record(system, claim_one(system), result)


def test_the_fifth_failed_attempt_of_a_one_shot_is_told_once() -> None:
    system = given_system()
    run = first_run(system, Immediate(), max_retries=10)
    for _ in range(4):
        attempt(system, failed())
        make_due_again(system, run.id)
    assert waiting_alerts() == []
    attempt(system, failed())
    assert waiting_alerts() == ["failing"]
    for _ in range(3):
        make_due_again(system, run.id)
        attempt(system, failed())
    assert (waiting_alerts(), stored_job(run.job_id).failures_in_row) == (["failing"], 8)


def test_the_fifth_failed_run_of_a_job_that_comes_back_is_told_and_its_attempts_are_not() -> None:
    system = given_system()
    job_id = creating.create(LOCAL, system, new_job(EACH_MINUTE, max_retries=1))
    run = next_run(system, job_id)
    make_due_again(system, run.id)
    _, outcome = attempt(system, failed())
    assert outcome.retry_at is not None
    assert stored_job(job_id).failures_in_row == 0
    make_due_again(system, run.id)
    attempt(system, failed())
    assert stored_job(job_id).failures_in_row == 1
    end_runs(system, job_id, 4, refused())
    assert waiting_alerts() == ["failing"]


def test_after_a_run_that_went_well_it_takes_five_more() -> None:
    system = given_system()
    job_id = creating.create(LOCAL, system, new_job(EACH_MINUTE))
    end_runs(system, job_id, 5, refused())
    end_runs(system, job_id, 1, succeeded())
    end_runs(system, job_id, 4, refused())
    assert waiting_alerts() == ["failing"]
    end_runs(system, job_id, 1, refused())
    assert waiting_alerts() == ["failing", "failing"]


def test_a_replay_that_fails_is_no_further_failure_of_the_schedule_and_one_that_succeeds_ends_the_row() -> None:
    system = given_system()
    job_id = creating.create(LOCAL, system, new_job(EACH_MINUTE))
    end_runs(system, job_id, 4, refused())
    dead = [run.id for run in runs_of(job_id) if run.status is RunStatus.FAILED]
    for run_id in dead[:2]:
        requested_runs.replay(LOCAL, system, run_id)
        record(system, claim_one(system), refused())
    assert (waiting_alerts(), stored_job(job_id).failures_in_row) == ([], 4)
    requested_runs.replay(LOCAL, system, dead[2])
    record(system, claim_one(system), succeeded())
    assert stored_job(job_id).failures_in_row == 0


def test_a_good_poll_ends_the_row_of_failed_ones() -> None:
    system = given_system()
    run = first_run(system, Polling(30), max_retries=10)
    for _ in range(4):
        attempt(system, failed())
        make_due_again(system, run.id)
    attempt(system, polled({"n": 1}))
    assert (waiting_alerts(), stored_job(run.job_id).failures_in_row) == ([], 0)


def test_a_deadline_that_passes_is_told_once() -> None:
    system = given_system()
    first_run(system, deadline_at=NOON + timedelta(seconds=60))
    system.clock.advance(61)
    for _ in range(2):
        overdue.watch_deadlines(system)
    assert waiting_alerts() == ["late"]


def test_a_run_that_ends_after_its_deadline_is_told_though_nobody_looked() -> None:
    system = given_system()
    first_run(system, deadline_at=NOON + timedelta(seconds=60))
    work = claim_one(system)
    system.clock.advance(61)
    record(system, work, succeeded())
    assert waiting_alerts() == ["late"]


@pytest.mark.parametrize("schedule", [Cron("*/5 * * * *"), Interval(every_seconds=300)])
def test_occurrences_that_were_missed_are_told(schedule: Schedule) -> None:
    system = given_system()
    job_id = creating.create(LOCAL, system, new_job(schedule))
    system.clock.advance(3600)
    planning.plan(system)
    assert waiting_alerts() == ["late"]
    assert stored_job(job_id).late_since == system.clock.now()
    system.clock.advance(3600)
    planning.plan(system)
    assert waiting_alerts() == ["late"]


def test_what_a_paused_job_misses_is_not_told() -> None:
    system = given_system()
    job_id = creating.create(LOCAL, system, new_job(Cron("*/5 * * * *")))
    lifecycle.pause(LOCAL, system, job_id)
    system.clock.advance(3600)
    planning.plan(system)
    assert (waiting_alerts(), stored_job(job_id).state) == ([], JobState.PAUSED)


def test_a_job_that_runs_again_in_time_is_told_anew_when_it_is_late_again() -> None:
    system = given_system()
    job_id = creating.create(LOCAL, system, new_job(EACH_MINUTE, deadline_seconds=30))
    for _ in range(2):
        run = next_run(system, job_id)
        system.clock.set(run.due_at + timedelta(seconds=31))
        dispatching.make_due(system, [run.id])
        overdue.watch_deadlines(system)
        record(system, claim_one(system), succeeded())
        end_runs(system, job_id, 1, succeeded())
    assert waiting_alerts() == ["late", "late"]


def test_the_address_of_the_settings_gets_the_mail_once(server: MailServer) -> None:
    system = mailing(server, alert_email=ADA)
    failing_job(system, name="import")
    assert (sending.send_oldest(system), sending.send_oldest(system)) == (1, 0)
    [message] = server.messages
    assert (message["To"], message["Subject"]) == (ADA, "Task Failed Multiple Times")
    text = message.get_content()
    assert "The job import (app app_a, task type greet) has failed 5 times in a row." in text
    assert "The receiver is down." in text


def owned_by(email: str, job_id: UUID) -> None:
    """Give a job to a new user of this address."""
    with database.transaction():
        owner = User.create(username=email, username_key=email, email=email, password_hash="-", created_at=NOON)  # noqa: S106
        Job.update(owner_id=owner.id).where(Job.id == job_id).execute()


def test_the_owner_of_a_job_gets_the_mail_in_place_of_the_installation(server: MailServer) -> None:
    system = mailing(server, alert_email=ADA)
    owned_by("bob@example.com", failing_job(system))
    sending.send_oldest(system)
    assert server.recipients() == {"bob@example.com": 1}


def test_many_jobs_that_fail_at_once_make_one_mail(server: MailServer) -> None:
    system = mailing(server, alert_email=ADA)
    job_ids = [creating.create(LOCAL, system, new_job(Cron("*/5 * * * *"))) for _ in range(5)]
    system.clock.advance(3600)
    planning.plan(system)
    assert sending.send_oldest(system) == 5
    [message] = server.messages
    assert message["Subject"] == "Task Did Not Run When It Should Have"
    assert all(str(job_id) in message.get_content() for job_id in job_ids)


def test_an_alert_that_another_coordinator_is_slow_to_send_is_not_sent_by_this_one(server: MailServer) -> None:
    system = mailing(server, alert_email=ADA)
    failing_job(system)
    told_meanwhile: list[int] = []

    def slowly(_count: int) -> str:
        system.clock.advance(600)
        told_meanwhile.append(sending.send_oldest(system))
        database.disconnect()
        return TAKEN

    server.at_data = slowly
    assert (sending.send_oldest(system), told_meanwhile) == (1, [0])


@pytest.mark.parametrize("address", ["a@[", "a@=?utf-8?q?=0ABcc:x?="])
def test_an_address_that_nothing_can_be_sent_to_keeps_nobody_else_from_being_told(
    server: MailServer, address: str
) -> None:
    system = mailing(server, alert_email=ADA)
    for_stranger, _ = [creating.create(LOCAL, system, new_job(Cron("*/5 * * * *"))) for _ in range(2)]
    owned_by(address, for_stranger)
    system.clock.advance(3600)
    planning.plan(system)
    assert [sending.send_oldest(system) for _ in range(3)] == [1, 1, 0]
    assert (server.recipients(), waiting_alerts()) == ({ADA: 1}, [])


def test_an_alert_that_cannot_be_sent_is_sent_when_the_server_is_back() -> None:
    with MailServer() as server:
        system = mailing(server, alert_email=ADA)
        server.at_data = lambda _: "451 Come back"
        failing_job(system)
        assert sending.send_oldest(system) == 1
        server.at_data = lambda _: TAKEN
        assert sending.send_oldest(system) == 0
        system.clock.advance(AGAIN_AFTER.total_seconds() + 1)
        assert (sending.send_oldest(system), waiting_alerts()) == (1, [])
    assert server.recipients() == {ADA: 1}


def test_an_alert_that_is_refused_for_good_is_not_tried_for_ever() -> None:
    with MailServer(lambda _: "550 No such user") as server:
        system = mailing(server, alert_email=ADA)
        failing_job(system)
        sending.send_oldest(system)
    assert waiting_alerts() == []


def test_without_an_address_it_stands_in_the_log() -> None:
    system = given_system()
    job_id = failing_job(system)
    with structlog.testing.capture_logs() as lines:
        assert (sending.send_oldest(system), sending.send_oldest(system)) == (1, 0)
    [line] = lines
    assert (line["event"], line["kind"], line["job_id"], line["failures"]) == ("alert", "failing", str(job_id), 5)


def test_nothing_is_written_for_a_job_that_is_well_and_stays_so(
    system: GivenSystem, monkeypatch: pytest.MonkeyPatch
) -> None:
    written: list[JobChange] = []
    monkeypatch.setattr(endings, "write", lambda ends, _now: written.extend(ends.jobs))
    first_run(system)
    record(system, claim_one(system), succeeded())
    assert not written
    first_run(system, DelayFromNow(0))
    record(system, claim_one(system), failed())
    assert [change["failures_in_row"] for change in written] == [1]
