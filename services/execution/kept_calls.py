"""Record what the calls of attempts sent and got, for the attempts that the setting CALLS_KEPT names."""

from __future__ import annotations

from collections.abc import Iterable

import structlog

from core.calls import CallsKept
from models import calls, fields
from services.execution.work import Failed, Result, Work
from services.system import System

log = structlog.get_logger()


def prepare(system: System, work: Work, result: Result) -> None:
    """Serialise an attempt's call for storage, outside of the transaction that ends the attempt. Never raises."""
    if not _is_wanted(system.settings.calls_kept, result):
        return
    try:
        call = work.transcript.as_json()
        work.transcript.text = None if call is None else fields.json_text(call)
    except Exception:  # the attempt is recorded even if its call cannot be serialised
        log.exception("call_not_kept", run_id=str(work.run_id))


def keep(recorded: Iterable[Work]) -> None:
    """Store the calls of attempts whose end is recorded, in the same transaction, in one statement."""
    rows = [(work.run_id, work.attempt, work.transcript.text) for work in recorded if work.transcript.text is not None]
    if rows:
        calls.insert(rows)


def _is_wanted(kept: CallsKept, result: Result) -> bool:
    return kept is CallsKept.ALL or (kept is CallsKept.FAILED and isinstance(result, Failed))
