"""The e-mails of one run, sent one after the other; what became of each is kept, so that none is sent again.

The only message of a run needs no row of its own: the run's end says what became of it. Of several, each is recorded
as soon as it is handed over, so a worker that is killed can have sent one at most that nobody knows of.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from uuid import UUID

from core.errors import PermanentFailure, TransientFailure
from core.letters import Letter, written
from models import database, deliveries
from services import faults
from services.abort import Scope
from services.email.mail import Sender, Unreachable
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


def deliver(system: System, run_id: UUID, letters: Sequence[Letter], sender: Sender, scope: Scope) -> list[Delivered]:
    """Send those of a run's e-mails that are not settled yet; what became of each, in their order.

    Raises `Aborted` when the scope is told to stop between two messages; what was sent stays recorded.
    """
    known = _known(run_id) if len(letters) > 1 else {}
    became: list[Delivered] = []
    unreachable: str | None = None
    for position, letter in enumerate(letters):
        if position in known:
            became.append(known[position])
        elif unreachable is not None:
            became.append(Delivered(letter.recipient, WAITING, unreachable))
        else:
            scope.raise_if_aborted()
            outcome, unreachable = _sent(system, letter, sender, scope)
            if outcome.status != WAITING and len(letters) > 1:
                _keep(system, run_id, position, outcome)
            became.append(outcome)
    return became


def _sent(system: System, letter: Letter, sender: Sender, scope: Scope) -> tuple[Delivered, str | None]:
    """What became of a message just sent, and why no other can be sent now, if that is so."""
    try:
        sender.send(written(letter, system.clock.now()), letter.recipient)
    except PermanentFailure as error:
        return Delivered(letter.recipient, REFUSED, error.message), None
    except Unreachable as error:
        scope.raise_if_aborted()  # then it was we who cut the connection
        return Delivered(letter.recipient, WAITING, error.message), error.message
    except TransientFailure as error:
        return Delivered(letter.recipient, WAITING, error.message), None
    faults.reach(faults.EMAIL_SENT)
    return Delivered(letter.recipient, SENT), None


def _known(run_id: UUID) -> dict[int, Delivered]:
    with database.reading():
        rows = deliveries.of_run(run_id)
    return {
        position: Delivered(row.recipient, SENT if row.refusal is None else REFUSED, row.refusal)
        for position, row in rows.items()
    }


def _keep(system: System, run_id: UUID, position: int, outcome: Delivered) -> None:
    with database.transaction():
        deliveries.settle(run_id, position, outcome.recipient, outcome.words, system.clock.now())
