"""The result of a task of one's own is kept as long as it fits, in bytes of UTF-8."""

from __future__ import annotations

import pytest
from pydantic import BaseModel

from actors.handlers import custom_task
from core.errors import Aborted, AbortReason
from services.runtime.abort_scope import AbortScope
from services.scheduling.run_endings import LONGEST_RESULT
from services.task_types import registry
from services.task_types.registry import Task, TaskType
from tests.factories import given_system
from tests.unit.actors.command_handler.running import work

THREE_BYTES = "\u6f22"


def test_a_result_that_fits_is_kept_and_a_longer_one_is_left_out_with_a_note() -> None:
    fits = THREE_BYTES * ((LONGEST_RESULT - 2) // 3)
    assert custom_task._done(fits).result == fits
    too_long = custom_task._done(fits + THREE_BYTES)
    assert too_long.result is None
    assert "longer than" in str(too_long.note)


def test_a_task_of_ones_own_that_is_overdue_is_not_begun(monkeypatch: pytest.MonkeyPatch) -> None:
    """As after the process was frozen for longer than its lease."""
    begun: list[Task] = []
    monkeypatch.setattr(registry, "find", lambda _key: TaskType("juggle", "Juggle", BaseModel, perform=begun.append))
    with pytest.raises(Aborted):
        custom_task.perform(given_system(), work({}), AbortScope(lambda: AbortReason.LEASE_LOST))
    assert begun == []
