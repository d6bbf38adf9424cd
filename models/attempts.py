"""Queries on attempts."""

from __future__ import annotations

from collections.abc import Collection, Iterable
from datetime import datetime
from typing import Any
from uuid import UUID

from models import sized
from models.tables import AnyAttempt, Attempt, Run


def of_run(run_id: UUID) -> list[AnyAttempt]:
    """Returns a run's attempts, in order, with the current attempt."""
    return list(AnyAttempt.select().where(AnyAttempt.run == run_id).order_by(AnyAttempt.number))


def newest_of_run(run_id: UUID) -> list[AnyAttempt]:
    """Returns a run's newest attempts, in order, as `of_run`, as many as fit on a page."""
    of_it = AnyAttempt.run == run_id
    size = sized.octets(AnyAttempt.answer) + sized.octets(AnyAttempt.error_message)
    oldest = sized.oldest_that_fits(AnyAttempt.select().where(of_it), AnyAttempt.number, size)
    return list(AnyAttempt.select().where(of_it, AnyAttempt.number >= oldest).order_by(AnyAttempt.number))


def begun(run_id: UUID) -> list[datetime]:
    """Returns when each of a run's attempts began, in order."""
    query: Any = AnyAttempt.select(AnyAttempt.started_at).where(AnyAttempt.run == run_id).order_by(AnyAttempt.number)
    return [one.started_at for one in query]


def of_runs(run_ids: Iterable[UUID]) -> dict[UUID, list[Attempt]]:
    """Returns the attempts at these runs that have ended, in order; a run without any is left out."""
    found: dict[UUID, list[Attempt]] = {}
    for one in Attempt.select().where(Attempt.run.in_(list(run_ids))).order_by(Attempt.run, Attempt.number):
        found.setdefault(one.run_id, []).append(one)
    return found


def last_answers(run_ids: Collection[UUID]) -> dict[UUID, str]:
    """Returns what was answered to the last attempt at each of these runs that had an answer."""
    query: Any = Attempt.select(Attempt.run, Attempt.answer).join(Run)
    query = query.where(Run.id.in_(list(run_ids)), Attempt.number == Run.attempt_count, ~Attempt.answer.is_null())
    return {run_id: str(answer) for run_id, answer in query.tuples()}


def by_token(run_id: UUID, token_hash: str) -> AnyAttempt | None:
    """Returns the attempt at a run that a report's token is for, without its answer."""
    one = AnyAttempt
    found: AnyAttempt | None = (
        one.select(one.run, one.number, one.finished_at, one.outcome, one.polling_version, one.report)
        .where(one.run == run_id, one.token_hash == token_hash)
        .get_or_none()
    )
    return found


def polling_versions(run_ids: Iterable[UUID]) -> dict[UUID, int]:
    """Returns the version of the polling state with which the current attempt at each of these runs was made.

    A run of a job that does not poll is left out.
    """
    one = AnyAttempt
    lasts_and_polls = one.finished_at.is_null() & one.polling_version.is_null(False)
    query: Any = one.select(one.run, one.polling_version).where(one.run.in_(list(run_ids)), lasts_and_polls)
    return dict(query.tuples())


def keep_report(attempt: AnyAttempt, fingerprint: str) -> None:
    """Store which report ended an attempt."""
    Attempt.update(report=fingerprint).where(Attempt.run == attempt.run_id, Attempt.number == attempt.number).execute()
