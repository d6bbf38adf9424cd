"""Actions on many jobs or runs as callers write them, and their results."""

from __future__ import annotations

from datetime import datetime
from typing import Annotated, Any, Literal, Self
from uuid import UUID

from pydantic import BeforeValidator, Field, PlainValidator, ValidationInfo, WithJsonSchema, field_validator

from api.schemas.audit import Reason
from api.schemas.paging import (
    CURSOR_SCHEMA,
    CalledHost,
    FailureReason,
    Filter,
    MetadataMember,
    member_of,
    read_cursor,
    write_cursor,
)
from api.schemas.values import Given, Instant, ScheduleKind, Shown, TriggerWord
from api.sources.typed_jobs import words
from core.filters import JobFilter, RunFilter
from core.listing import Mark, Ordering, SortKey
from core.states import JobStatus, RunStatus, Trigger
from services.jobs import bulk_actions

MAX_IDS = 1_000
_OLDEST_FIRST = Ordering(SortKey.CREATED_AT)


def _mark(cursor: Any) -> Mark:
    if not isinstance(cursor, str):
        raise ValueError("must be text; take the one in `cursor` of the last answer, or leave it out.")  # noqa: TRY004  pydantic's way
    return read_cursor(cursor, _OLDEST_FIRST)


def _id(value: Any) -> Any:
    """Parse an id, in the only form in which we give it out."""
    if not isinstance(value, str):
        return value
    try:
        found = UUID(value)
    except ValueError:
        found = None
    if found is None or str(found) != value.lower():
        raise ValueError("is not an id; take one that the API has returned.")
    return found


Cursor = Annotated[Mark, PlainValidator(_mark), WithJsonSchema(CURSOR_SCHEMA)]
Id = Annotated[UUID, BeforeValidator(_id), WithJsonSchema({"type": "string", "format": "uuid"})]
ActionWord = Literal["pause", "resume", "cancel", "delete", "retry", "trigger"]
StatusWord = Literal["pending", "queued", "running", "completed", "failed", "cancelled", "paused"]
RunActionWord = Literal["replay", "cancel", "dismiss"]
RunStatusWord = Literal["pending", "queued", "running", "retrying", "completed", "failed", "cancelled"]
Ids = Annotated[list[Id], Field(min_length=1, max_length=MAX_IDS)]


class _Meant(Given):
    """The base of filters: they select what fits every member given."""

    @property
    def is_empty(self) -> bool:
        """Whether no member is given, so that everything is selected."""
        return all(value is None for value in self.model_dump(exclude_unset=True).values())


def _all_on_purpose(all_of_them: bool, info: ValidationInfo) -> bool:
    """Require `all` where the filter is empty. Raises `ValueError`."""
    meant = info.data.get("filter")
    if meant is not None and meant.is_empty and not all_of_them:
        raise ValueError('must be true if the filter is empty, which selects all. Send "all": true, or a filter.')
    return all_of_them


class JobsMeant(_Meant):
    """Selects the jobs that fit every member given, as in the list of jobs."""

    app_name: Filter | None = None
    account_id: Filter | None = None
    user_id: Filter | None = None
    status: StatusWord | None = None
    paused: bool | None = None
    task_type: Filter | None = None
    kind: ScheduleKind | None = None
    name: Filter | None = None
    tag: Filter | None = None
    created_from: Instant | None = None
    created_before: Instant | None = None
    search: Filter | None = None
    metadata: MetadataMember | None = None
    ids: Ids | None = None

    def wanted(self) -> JobFilter:
        """Returns this as the services take it."""
        fields = self.model_dump(exclude={"kind", "status", "ids", "metadata"})
        fields |= {"metadata": member_of(self.metadata), "ids": _all(self.ids)}
        status = None if self.status is None else JobStatus(self.status)
        return words.as_shown(JobFilter(**fields, status=status, schedule_kind=self.kind))


class NewJobActions(Given):
    """An action on every job that fits, at most 10,000 at a time; an empty filter needs `all`.

    A dry run says what would happen, and changes nothing. If more jobs fit, send `cursor` to continue with the rest.
    `until` is for `pause`: the instant at which these jobs are resumed by themselves.
    """

    action: ActionWord
    filter: JobsMeant = Field(default_factory=JobsMeant)
    all: Annotated[bool, Field(validate_default=True)] = False
    dry_run: bool = False
    cursor: Cursor | None = None
    reason: Reason | None = None
    until: Instant | None = None

    _on_purpose = field_validator("all")(_all_on_purpose)

    @field_validator("until")
    @classmethod
    def _for_a_pause(cls, until: datetime | None, info: ValidationInfo) -> datetime | None:
        if until is not None and info.data.get("action") not in ("pause", None):
            raise ValueError("is only for the action pause; leave it out.")
        return until


class RunsMeant(_Meant):
    """Selects the dead runs that fit every member given, as in the list of runs; failed ones by default."""

    job_id: Id | None = None
    app_name: Filter | None = None
    account_id: Filter | None = None
    task_type: Filter | None = None
    status: Literal["failed", "cancelled"] = "failed"
    trigger: TriggerWord | None = None
    due_from: Instant | None = None
    due_before: Instant | None = None

    def wanted(self) -> RunFilter:
        """Returns this as the services take it."""
        fields = self.model_dump(exclude={"status", "trigger"})
        trigger = None if self.trigger is None else Trigger(self.trigger)
        return RunFilter(**fields, status=RunStatus(self.status), trigger=trigger)


class RunsActedOn(_Meant):
    """Selects the runs that fit every member given, of those that the action is for.

    `failure` is why they failed, as the list of failures or one of them tells it, `host` what their last attempt called
    (`-`: no host); with either, only runs that failed fit. Of runs that are named by `ids`, those that the action is
    not for are refused.
    """

    ids: Ids | None = None
    job_id: Id | None = None
    app_name: Filter | None = None
    account_id: Filter | None = None
    task_type: Filter | None = None
    status: RunStatusWord | None = None
    status_not: RunStatusWord | None = None
    trigger: TriggerWord | None = None
    failure: FailureReason | None = None
    host: CalledHost | None = None
    due_from: Instant | None = None
    due_before: Instant | None = None
    finished_from: Instant | None = None
    finished_before: Instant | None = None

    def wanted(self) -> RunFilter:
        """Returns this as the services take it."""
        fields = self.model_dump(exclude={"status", "status_not", "trigger", "ids"})
        trigger = None if self.trigger is None else Trigger(self.trigger)
        status = None if self.status is None else RunStatus(self.status)
        but = None if self.status_not is None else RunStatus(self.status_not)
        return RunFilter(**fields, status=status, but=but, trigger=trigger, ids=_all(self.ids))


class NewRunActions(Given):
    """An action on every run that fits, at most `limit` at a time; an empty filter needs `all`.

    `replay` is for runs that failed or were cancelled, that are not being replayed, have not run again and are not
    dismissed, `cancel` for those that have not ended, `dismiss` for those that failed: they are listed among the
    failures no more. With `again`, `replay` is also for runs that completed: their receivers are called once more,
    under other keys; the filter then has `ids`, or `finished_before` that is not later than now. A dry run says what
    would happen, and changes nothing. If more runs fit, send `cursor` to continue with the rest. Whoever continues to
    replay gives `finished_before`, the instant of the first request, since replays that fail meanwhile would fit, too.
    """

    action: RunActionWord
    filter: RunsActedOn = Field(default_factory=RunsActedOn)
    all: Annotated[bool, Field(validate_default=True)] = False
    dry_run: bool = False
    limit: Annotated[int, Field(ge=1, le=bulk_actions.MAX_RUNS)] = bulk_actions.MAX_RUNS
    cursor: Cursor | None = None
    reason: Reason | None = None
    again: bool = False

    _on_purpose = field_validator("all")(_all_on_purpose)

    @field_validator("again")
    @classmethod
    def _for_a_replay(cls, again: bool, info: ValidationInfo) -> bool:
        if again and info.data.get("action") not in ("replay", None):
            raise ValueError("is only for the action replay; leave it out.")
        return again


class NewReplays(Given):
    """Replay every dead run that fits and was neither replayed nor dismissed before, at most `limit` at a time.

    An empty filter selects every failed run, and needs `all`. A dry run says what would happen, and changes nothing.
    If more runs fit, send `cursor` to continue with the rest.
    """

    filter: RunsMeant = Field(default_factory=RunsMeant)
    all: Annotated[bool, Field(validate_default=True)] = False
    dry_run: bool = False
    limit: Annotated[int, Field(ge=1, le=bulk_actions.MAX_RUNS)] = bulk_actions.MAX_RUNS
    cursor: Cursor | None = None

    _on_purpose = field_validator("all")(_all_on_purpose)


class Refused(Shown):
    """A job or run that was left unchanged, and why."""

    id: UUID
    detail: str


class _Result(Shown):
    matched: int
    refused: list[Refused]
    dry_run: bool
    more: bool
    cursor: str | None


class JobActions(_Result):
    """How many jobs fit, how many were acted on, and the first 20 refused; `more` if others may fit."""

    changed: int

    @classmethod
    def of(cls, result: bulk_actions.BulkResult, *, dry_run: bool) -> Self:
        return cls(changed=result.changed, **_shared(result), dry_run=dry_run)


class RunActions(JobActions):
    """How many runs fit, how many were acted on, and the first 20 refused; `more` if others may fit."""


class Replays(_Result):
    """How many runs fit, how many were replayed, and the first 20 refused; `more` if others may fit."""

    replayed: int

    @classmethod
    def of(cls, result: bulk_actions.BulkResult, *, dry_run: bool) -> Self:
        return cls(replayed=result.changed, **_shared(result), dry_run=dry_run)


def _shared(result: bulk_actions.BulkResult) -> dict[str, Any]:
    last = result.last
    return {
        "matched": result.matched,
        "refused": [Refused.model_validate(one) for one in result.refused],
        "more": last is not None,
        "cursor": None if last is None else write_cursor(Mark(last), _OLDEST_FIRST),
    }


def _all(ids: list[UUID] | None) -> tuple[UUID, ...] | None:
    return None if ids is None else tuple(ids)
