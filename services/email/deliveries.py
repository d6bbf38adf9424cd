"""The e-mails of one run, sent one after the other; what became of each is kept, so that none is sent again.

The only message of a run needs no row of its own: the run's end says what became of it. Of several, each is recorded
as soon as it is handed over, however long the database is away, so a worker that is killed can have sent one at most
that nobody knows of.
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
from services.runtime.abort_scope import Scope
from services.runtime.database_retry import patiently
from services.system import System

SENT = "sent"
REFUSED = "refused"
WAITING = "waiting"


@dataclass(frozen=True)
class Delivered:
    """What became of one message; `words` are the mail server's, where it did not take it."""

    recipient: str
    status: str
    words: str | None = None


def first_run(run_id: UUID) -> UUID:
    """The run that this one repeats at last, under whose ids the e-mails go out: a retry sends the same ones."""
    with database.reading():
        return deliveries.repeated(run_id)[-1]


def deliver(system: System, run_id: UUID, letters: Sequence[Letter], sender: Sender, scope: Scope) -> list[Delivered]:
    """Send those of a run's e-mails that are not settled yet; what became of each, in their order.

    Raises `Aborted` when the scope is told to stop between two messages; what was sent stays recorded.
    """
    several = len(letters) > 1
    became = patiently(lambda: _known(run_id, letters)) if several else {}
    try:
        for position, letter in enumerate(letters):
            if position not in became:
                scope.raise_if_aborted()
                became[position] = outcome = _sent(system, letter, sender)
                if outcome.status == WAITING:
                    scope.raise_if_aborted()  # then it was we who cut the connection
                elif several:
                    patiently(partial(_keep, system, run_id, position, outcome))
    except Unreachable as error:
        scope.raise_if_aborted()
        for position, letter in enumerate(letters):
            became.setdefault(position, Delivered(letter.recipient, WAITING, error.message))
    return [became[position] for position in range(len(letters))]


def _sent(system: System, letter: Letter, sender: Sender) -> Delivered:
    """What became of a message just sent. Raises `Unreachable` where none can be sent now."""
    try:
        sender.send(written(letter, system.clock.now()), letter.recipient)
    except Unreachable:
        raise
    except AttemptError as error:
        return Delivered(letter.recipient, REFUSED if error.permanent else WAITING, error.message)
    faults.reach(faults.EMAIL_SENT)
    return Delivered(letter.recipient, SENT)


def _known(run_id: UUID, letters: Sequence[Letter]) -> dict[int, Delivered]:
    """What is settled: of the run itself all, of those it repeats what was sent, so that nobody gets it twice."""
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
        deliveries.settle(run_id, position, outcome.recipient, outcome.words, system.clock.now())
