"""Test calls as callers get them."""

from __future__ import annotations

from typing import Any, Literal

from api.schemas.runs import Call
from api.schemas.values import Given, Shown, TaskType


class NewTestCall(Given):
    """What an app's receiver is called for: one of the app's task types, and the data of a job."""

    task_type: TaskType
    data: dict[str, Any] | None = None


class TestCall(Shown):
    """A test call: how a run would have ended, what was sent and what was answered.

    `undecided`: no answer came in the ten seconds that a test waits, and a run waits longer (`error_message` says how
    long). At most 16 KiB of the answer; `call` is null where nothing could be sent.
    """

    outcome: Literal["succeeded", "failed", "deferred", "undecided"]
    error_type: str | None
    error_message: str | None
    answer: str | None
    call: Call | None
