"""Reports as receivers send them, and the answers to them."""

from __future__ import annotations

from datetime import datetime
from typing import Annotated, Any
from uuid import UUID

from pydantic import BaseModel, ConfigDict, Field, field_validator

from api.schemas.values import Given, Shown
from api.validation import shown
from core import json_text
from core.errors import AttemptError, PermanentFailure, TransientFailure
from core.receiver_answers import (
    MAX_NUMBER,
    MESSAGE_CAP,
    NEXT_POLL_CAP_SECONDS,
    PollAnswer,
    Progress,
    progress_of,
)
from core.retry import MAX_RETRY_AFTER_SECONDS
from core.states import Outcome

DAY_SECONDS = 86_400
LONGEST_MESSAGE = 2_000
MAX_PROGRESS = 4_096
LONGEST_LINE = 1_000
MAX_LINES = 100


class TokenHeader(BaseModel):
    """The token that came with the callback, in the header of this name."""

    model_config = ConfigDict(frozen=True)

    token: Annotated[str, Field(alias="X-Carillon-Report-Token")]


class Heartbeat(Given):
    """The work continues; the lease is renewed for this many seconds from now, or for the usual time.

    It is renewed for an hour at most (MAX_REPORT_LEASE_SECONDS); the answer says until when.

    `progress` is a share from 0 to 1, `{"done": 3, "total": 8}` or any other JSON of at most 4 KiB; a number that is
    its share, `done` or `total` is at most 1e15. It and `message` are shown with the run until another heartbeat gives
    others, the run is tried again, or it is completed.
    """

    seconds: Annotated[float, Field(gt=0, le=DAY_SECONDS, allow_inf_nan=False)] | None = None
    progress: Any = None
    message: Annotated[str, Field(max_length=LONGEST_MESSAGE)] | None = None

    @field_validator("progress")
    @classmethod
    def _small(cls, progress: Any) -> Any:
        if json_text.size(progress) > MAX_PROGRESS:
            raise ValueError(f"is more than {MAX_PROGRESS} bytes of JSON; tell less, and log the rest.")
        told = (progress.get("done"), progress.get("total")) if isinstance(progress, dict) else (progress,)
        if any(isinstance(one, int | float) and abs(one) > MAX_NUMBER for one in told):
            raise ValueError("has a number beyond 1e15; count in a larger unit, or tell a share from 0 to 1.")
        return progress

    def told(self) -> dict[str, Any]:
        """Returns the given progress and message."""
        return {name: getattr(self, name) for name in ("progress", "message") if name in self.model_fields_set}


class Log(Given):
    """Lines for the log of a run, oldest first: at most 100 at a time, each of at most 1,000 characters."""

    lines: Annotated[list[Annotated[str, Field(max_length=LONGEST_LINE)]], Field(min_length=1, max_length=MAX_LINES)]


class Completion(Given):
    """The work is done. `result` is stored with the run; the other members are for a job that polls, as in its answer.

    `next_in_seconds` is when the next poll is due, counted from this report; without it, after the job's interval.
    `progress` is a share from 0 to 1, or `{"done": 3, "total": 8}`; it and `message` are shown with the run.
    """

    result: Any = None
    polling_state: dict[str, Any] | None = None
    done: bool | None = None
    next_in_seconds: Annotated[float, Field(ge=0, le=NEXT_POLL_CAP_SECONDS, allow_inf_nan=False)] | None = None
    progress: Any = None
    message: Annotated[str, Field(max_length=MESSAGE_CAP)] | None = None

    @field_validator("progress")
    @classmethod
    def _progress_of_a_poll(cls, progress: Any) -> Progress | None:
        found = progress_of(progress)
        if progress is not None and found is None:
            raise ValueError(f'is {shown(progress)}; write a share from 0 to 1, or {{"done": 3, "total": 8}}.')
        return found

    def poll(self) -> PollAnswer | None:
        """Returns the answer to a poll, if the report has one."""
        pace = (self.next_in_seconds, self.progress, self.message)
        if all(one is None for one in (self.polling_state, self.done, *pace)):
            return None
        return PollAnswer(self.polling_state, self.done is True, *pace)


class Failure(Given):
    """The work has failed; with `permanent`, it is not retried."""

    message: Annotated[str, Field(min_length=1, max_length=LONGEST_MESSAGE)]
    permanent: bool = False
    retry_after_seconds: Annotated[float, Field(ge=0, le=MAX_RETRY_AFTER_SECONDS, allow_inf_nan=False)] | None = None

    def error(self) -> AttemptError:
        """Returns the failure as an attempt's error."""
        kind = PermanentFailure if self.permanent else TransientFailure
        return kind(self.message, retry_after_seconds=self.retry_after_seconds)


class Lease(Shown):
    """The renewed lease; the receiver must report again before it runs out."""

    run_id: UUID
    attempt: int
    lease_expires_at: datetime


class Logged(Shown):
    """How many lines the run keeps now: at most 1,000 of together 262,144 characters, the newest."""

    run_id: UUID
    attempt: int
    lines: int


class EndedAttempt(Shown):
    """How the attempt ended; the same report sent again gets the same answer."""

    run_id: UUID
    attempt: int
    outcome: Outcome
    finished_at: datetime
