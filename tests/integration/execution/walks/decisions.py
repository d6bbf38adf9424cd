"""How attempts must end: core's own decisions on the rows as they are. The product's services take no part in this."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import Any
from uuid import UUID

from core import attempt_endings
from core.attempt_endings import Ending, Facts
from core.errors import AbortReason, AttemptError, TransientFailure
from core.polls import PollingFacts
from core.retry import RetryPolicy, after_failure, after_loss
from core.schedules import Schedule
from core.states import Hold, Outcome, RunStatus
from services.execution.recording import NotRecorded
from services.execution.work import Deferred, Failed, Result, Stopped, Succeeded, Work
from services.scheduling.run_endings import RunOutcome
from tests.integration.execution.walks.rows import Row, Rows, recurs

Told = tuple[RunStatus, datetime | None, datetime | None]


@dataclass(frozen=True)
class End:
    """The end of the attempt at a run; `ending` is None where the run waits for its report from now on."""

    run_id: UUID
    ending: Ending | None

    @property
    def told(self) -> Told:
        """Returns what the recorder is told: the run's status, when it is tried again, when the next poll comes."""
        if self.ending is None:
            return RunStatus.RUNNING, None, None
        return self.ending.changes["status"], self.ending.retry_at, self.ending.next_poll_at


@dataclass(frozen=True)
class Decisions:
    """The rows before, the schedules of their jobs, and the instant at which something ends."""

    rows: Rows
    schedules: dict[UUID, Schedule]
    now: datetime

    def of_result(self, work: Work, result: Result) -> End | None:
        """The end that a worker's result is; None where its fence no longer holds."""
        run = self.rows.runs.get(work.run_id)
        if run is None or run["status"] is not RunStatus.RUNNING or run["fence"] != work.fence:
            return None
        return End(run["id"], self._ending(run, work, result))

    def of_report(self, work: Work, report: Succeeded | Failed) -> End | None:
        """The end that a receiver's report is; None where its attempt has ended."""
        attempt = self.rows.attempts[work.run_id, work.attempt]
        if attempt["finished_at"] is not None:
            return None
        facts = self.facts(self.rows.runs[work.run_id])
        if isinstance(report, Failed):
            return End(work.run_id, self._failed(facts, work.policy, report.error, None))
        return End(work.run_id, attempt_endings.succeed(facts, report.poll, self.now, result=report.result))

    def of_loss(self, run: Row, policy: RetryPolicy) -> End:
        """The end of a run whose lease has run out."""
        facts = self.facts(run)
        if run["reports_until"] is not None:
            past_limit = run["lease_expires_at"] >= run["reports_until"]
            return End(run["id"], self._failed(facts, policy, TransientFailure(_silence(past_limit=past_limit)), None))
        if run["cancel_requested_at"] is not None:
            return End(run["id"], attempt_endings.cancel(facts, Outcome.LOST, self.now))
        if run["report_lease_at"] is not None and run["report_lease_at"] > self.now:
            return End(run["id"], None)
        decision = after_loss(facts.loss_count + 1, _spread(run["id"]))
        return End(run["id"], attempt_endings.lose(facts, decision, self.now))

    def facts(self, run: Row) -> Facts:
        """What decides about the end of the attempt at a run."""
        job = self.rows.jobs[run["job"]]
        since = job["reopened_at"] or job["created_at"]
        schedule = self.schedules[job["id"]]
        polling = PollingFacts(schedule, job["polling_state"], job["polling_version"], job["polls"], since)
        made_with = run["claimed_polling_version"]
        of_run = ("scheduled_for", "failure_count", "loss_count", "fence", "expire", "deadline_at")
        instants = ("deadline_missed_at", "late_at", "cancel_requested_at")
        return Facts(
            run_id=run["id"],
            **{name: run[name] for name in (*of_run, *instants)},
            job_state=job["state"],
            job_recurs=recurs(job),
            polling=polling,
            polling_version=job["polling_version"] if made_with is None else made_with,
        )

    def _ending(self, run: Row, work: Work, result: Result) -> Ending | None:
        facts, now = self.facts(run), self.now
        match result:
            case Succeeded(status_code, answer, poll, made):
                told = {"status_code": status_code, "answer": answer, "result": made}
                return attempt_endings.succeed(facts, poll, now, **told)
            case Failed(error, answer):
                return self._failed(facts, work.policy, error, answer)
            case Deferred() if run["cancel_requested_at"] is None:
                return None
            case Stopped(AbortReason.SHUTDOWN) if run["cancel_requested_at"] is None:
                held_by = Hold.PAUSED if self.rows.is_paused(run["job"]) else None
                return attempt_endings.release(facts, now, held_by, why="The worker was stopped.")
            case Stopped(hands_back=True):
                return attempt_endings.cancel(facts, Outcome.RELEASED, now)
            case _:
                return attempt_endings.cancel(facts, Outcome.FAILED, now)

    def _failed(self, facts: Facts, policy: RetryPolicy, error: AttemptError, answer: str | None) -> Ending:
        decision = after_failure(policy, facts.failure_count + 1, error, _spread(facts.run_id))
        return attempt_endings.fail(facts, error, decision, self.now, answer=answer)


def _silence(*, past_limit: bool) -> str:
    if past_limit:
        return "The receiver did not report the end within the time that a run may wait for reports."
    return "The receiver answered 202, and then let its lease run out without a report."


def _spread(run_id: UUID) -> float:
    return (run_id.int & 0xFFFF) / 0x10000


def told(outcome: Any) -> Told | None:
    """Returns the part of a recorded outcome that is compared; None if the attempt was too late."""
    if outcome is NotRecorded.STALE_FENCE:
        return None
    assert isinstance(outcome, RunOutcome), outcome
    return outcome.status, outcome.retry_at, None if outcome.next_poll is None else outcome.next_poll["due_at"]
