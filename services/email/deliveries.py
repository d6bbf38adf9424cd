"""Sends the e-mails of one run one after the other, and records each outcome so that none is sent again.

A run's only message needs no row of its own: the run's end has its outcome. Of several, each is recorded
as soon as it is handed over, however long the database is away, so a killed worker leaves at most one sent message
unrecorded.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import partial
from uuid import UUID

from core.errors import AttemptError
from core.letters import Letter, written
from models import database, deliveries
from models.pauses import Gate
from services.email.mail import Sender, Unreachable
from services.runtime import faults
from services.runtime.abort_scope import AbortScope
from services.runtime.database_retry import retry_while_unavailable
from services.system import System

SENT = "sent"
REFUSED = "refused"
WAITING = "waiting"


@dataclass(frozen=True)
class Delivered:
    """The outcome of one message; `words` are the mail server's if it did not take it."""

    recipient: str
    status: str
    words: str | None = None


def first_run(run_id: UUID) -> UUID:
    """Returns the first run in a chain of repeats: e-mails go out under its ids, so a retry sends the same ones."""
    with database.reading():
        return deliveries.repeated(run_id)[-1]


def deliver(
    system: System, run_id: UUID, letters: Sequence[Letter], sender: Sender, scope: AbortScope
) -> list[Delivered]:
    """Send those of a run's e-mails that are not settled yet. Returns the outcome of each, in order.

    Raises `Aborted` when the scope is stopped between two messages; what was sent stays recorded.
    """
    several = len(letters) > 1
    became = retry_while_unavailable(lambda: _known(run_id, letters)) if several else {}
    try:
        for position, letter in enumerate(letters):
            if position not in became:
                scope.raise_if_aborted()
                became[position] = outcome = _sent(system, letter, sender)
                if outcome.status == WAITING:
                    scope.raise_if_aborted()  # then it was we who cut the connection
                elif several:
                    retry_while_unavailable(partial(_keep, system, run_id, position, outcome))
    except Unreachable as error:
        scope.raise_if_aborted()
        for position, letter in enumerate(letters):
            became.setdefault(position, Delivered(letter.recipient, WAITING, error.message))
    return [became[position] for position in range(len(letters))]


def _sent(system: System, letter: Letter, sender: Sender) -> Delivered:
    """Send a message. Returns its outcome. Raises `Unreachable` if nothing can be sent now."""
    try:
        sender.send(written(letter, system.clock.now()), letter.recipient)
    except Unreachable:
        raise
    except AttemptError as error:
        return Delivered(letter.recipient, REFUSED if error.permanent else WAITING, error.message)
    faults.reach(faults.EMAIL_SENT)
    return Delivered(letter.recipient, SENT)


def _known(run_id: UUID, letters: Sequence[Letter]) -> dict[int, Delivered]:
    """Returns all settled outcomes of the run, and what the runs it repeats have sent: nobody gets a mail twice."""
    to = {(position, letter.recipient) for position, letter in enumerate(letters)}
    with database.reading():
        rows = deliveries.of_runs(deliveries.repeated(run_id))
    return {
        row.position: Delivered(row.recipient, SENT if row.refusal is None else REFUSED, row.refusal)
        for row in rows
        if (row.position, row.recipient) in to and (row.run_id == run_id or row.refusal is None)
    }


def _keep(system: System, run_id: UUID, position: int, outcome: Delivered) -> None:
    with system.transaction(Gate.UNUSED):
        deliveries.record(run_id, position, outcome.recipient, outcome.words, system.clock.now())
