"""Lists in pages: what callers may ask for, and the opaque cursor to the next page."""

from __future__ import annotations

import hashlib
import json
from base64 import urlsafe_b64decode, urlsafe_b64encode
from datetime import datetime
from typing import Annotated, Any, Literal
from uuid import UUID

from pydantic import (
    AfterValidator,
    BaseModel,
    ConfigDict,
    Field,
    PlainValidator,
    PrivateAttr,
    ValidationInfo,
    WithJsonSchema,
    field_validator,
)

from api.bodies import bad_text
from api.schemas.values import NAME_LENGTH, InstantInQuery, ScheduleKind, instant
from api.sources.typed_jobs import words
from core import failure_groups, job_metadata
from core.errors import InvalidInput
from core.filters import JobFilter, RunFilter
from core.limit_keys import KEY_LENGTH
from core.listing import NEWEST_FIRST, Mark, Ordering, SortKey, SortValue, Stretch
from core.states import Hold, JobStatus, RunStatus, Trigger

MAX_IN_PAGE = 100
_LONGEST_CURSOR = 2_000
_LAST_PAGE = 1_000_000_000
_OF_LENGTH = 12
_NO_CURSOR = "is not a cursor of this list in this order; take the one in `next`, or leave it out to begin again."


_OF_ANOTHER = "is a cursor of another list, or of this one with another filter; leave it out to begin again."


def write_cursor(last: Mark, ordering: Ordering = NEWEST_FIRST, of: str = "") -> str:
    """Returns the cursor to what comes after this mark; `of` is the list's, as `list_of` returns it."""
    value = last.value.isoformat() if isinstance(last.value, datetime) else last.value
    text = json.dumps(
        [str(ordering), last.id.hex, value, *([of] if of else [])], separators=(",", ":"), ensure_ascii=False
    )
    return urlsafe_b64encode(text.encode()).decode().rstrip("=")


def read_cursor(cursor: Any, ordering: Ordering = NEWEST_FIRST) -> Mark:
    """Returns the mark in a cursor of a list in this order. Raises `ValueError` for any other text."""
    try:
        padded = f"{cursor}{'=' * (-len(cursor) % 4)}"
        _, hexadecimal, value, *rest = json.loads(urlsafe_b64decode(padded))
        [of] = rest or [""]  # cursors of the previous release do not say it
        last = Mark(UUID(hexadecimal), _read_value(value, ordering.key), of)
        same = write_cursor(last, ordering, of) == cursor
    except (AttributeError, RecursionError, TypeError, ValueError):
        same = False
    if not same:
        raise ValueError(_NO_CURSOR)
    return last


def list_of(query: Query) -> str:
    """Returns a short mark of a list: of what it lists, and with which filter."""
    part = {"limit", "cursor", "page"}
    # Pages fill in what is typed otherwise, such as an instant as text.
    filtered = query.model_dump_json(exclude=part, exclude_defaults=True, warnings=False)
    return hashlib.sha256(f"{query.list_name}{filtered}".encode()).hexdigest()[:_OF_LENGTH]


def member_of(text: str | None) -> job_metadata.Member | None:
    """Returns the member that a checked filter names."""
    return None if text is None else job_metadata.read(text)


def after(query: Query, last: Mark | None) -> Mark | None:
    """Returns the mark in a query. Raises `InvalidInput` for one of another list."""
    if last is not None and last.of not in ("", list_of(query)):
        raise InvalidInput.at("cursor", _OF_ANOTHER)
    return last


def _read_value(value: Any, key: SortKey) -> SortValue:
    """Returns the value in a cursor, of the type that this order sorts by."""
    match key:
        case SortKey.PRIORITY if type(value) is int and 0 <= value <= 9:  # noqa: PLR2004  the range of priorities
            return value
        case SortKey.UPDATED_AT | SortKey.DEADLINE if value is not None:
            return instant(value)
        case SortKey.STATUS:
            return JobStatus(value).value
        case SortKey.NAME if isinstance(value, str) and not bad_text(value):
            return value
        case SortKey.CREATED_AT | SortKey.DEADLINE if value is None:
            return value
    raise ValueError(_NO_CURSOR)


CURSOR_SCHEMA = {"type": "string", "minLength": 1, "maxLength": _LONGEST_CURSOR}
Cursor = Annotated[Mark, PlainValidator(read_cursor), WithJsonSchema(CURSOR_SCHEMA)]
Limit = Annotated[int, Field(ge=1, le=MAX_IN_PAGE)]
PageNumber = Annotated[int, Field(ge=1, le=_LAST_PAGE)]
Filter = Annotated[str, Field(min_length=1, max_length=NAME_LENGTH)]
CalledHost = Annotated[str, Field(min_length=1, max_length=KEY_LENGTH), AfterValidator(str.lower)]
"""The host that failed runs called last, as the list of failures says it; `-` of those that called none."""
FailureReason = Annotated[str, Field(min_length=1, max_length=10_000), AfterValidator(failure_groups.reason_of)]
"""Why runs failed, as the list of failures says it, or as one of them says it, with its numbers and ids."""
MetadataMember = Annotated[
    str,
    Field(max_length=job_metadata.LONGEST, json_schema_extra={"pattern": "^[^:]+:"}),
    AfterValidator(job_metadata.checked),
]
"""A member that the metadata of a job has, KEY:VALUE."""
JobOrdering = Literal[
    "-created_at",
    "created_at",
    "-priority",
    "priority",
    "-name",
    "name",
    "-updated_at",
    "updated_at",
    "-status",
    "status",
    "-deadline",
    "deadline",
]


class Query(BaseModel):
    """The base of query parameters: unknown ones are refused."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    @property
    def list_name(self) -> str:
        """What is listed, for cursors: one list has one name."""
        return type(self).__name__


class PageQuery(Query):
    """Which page of a list to return."""

    limit: Limit = 50
    cursor: Cursor | None = None

    def stretch(self) -> Stretch:
        """Returns this as the services take it."""
        return Stretch(limit=self.limit, after=after(self, self.cursor))

    def after_id(self) -> UUID | None:
        """Returns the id of the item after which the page begins."""
        last = after(self, self.cursor)
        return None if last is None else last.id


class AppsQuery(PageQuery):
    """Which page of the list of apps to return."""


class RunsOfJobQuery(PageQuery):
    """Which page of the runs of a job to return."""

    _job_id: UUID | None = PrivateAttr(None)

    def of(self, job_id: UUID) -> RunsOfJobQuery:
        """Returns this as the query of the runs of one job, whose cursors are good for no other's."""
        self._job_id = job_id
        return self

    @property
    def list_name(self) -> str:
        """The list, with what its path names."""
        return f"{super().list_name} {self._job_id}"


class NumberedQuery(Query):
    """Which page of a list to return, counted from 1."""

    limit: Limit = 50
    page: PageNumber = 1

    def stretch(self) -> Stretch:
        """Returns this as the services take it."""
        return Stretch(limit=self.limit, page=self.page)


class CountQuery(Query):
    """How many to return."""

    count: Annotated[int, Field(ge=1, le=100)] = 5


class JobsQuery(Query):
    """Which jobs to return, in which order, from where on.

    `metadata` is a member that their metadata has at its top: the value is a text, or a number, true, false or null.
    """

    app_name: Filter | None = None
    account_id: Filter | None = None
    user_id: Filter | None = None
    status: JobStatus | None = None
    paused: bool | None = None
    task_type: Filter | None = None
    job_type: Filter | None = None
    kind: ScheduleKind | None = None
    name: Filter | None = None
    tag: Filter | None = None
    created_from: InstantInQuery | None = None
    created_before: InstantInQuery | None = None
    search: Filter | None = None
    metadata: MetadataMember | None = None
    ordering: JobOrdering = "-created_at"
    limit: Limit = 50
    cursor: Annotated[Any, WithJsonSchema(CURSOR_SCHEMA)] = None
    page: PageNumber | None = None

    @field_validator("cursor")
    @classmethod
    def _of_this_order(cls, cursor: Any, info: ValidationInfo) -> Mark | None:
        """Read the cursor, unless the ordering, which is parsed before it, is wrong itself."""
        ordering = info.data.get("ordering")
        return None if ordering is None else read_cursor(cursor, Ordering.of(ordering))

    @field_validator("job_type")
    @classmethod
    def _one_spelling(cls, job_type: str | None, info: ValidationInfo) -> str | None:
        if job_type is not None and info.data.get("task_type") is not None:
            raise ValueError("is another word for task_type; give one of the two.")
        return job_type

    @field_validator("page")
    @classmethod
    def _alone(cls, page: int | None, info: ValidationInfo) -> int | None:
        if page is not None and info.data.get("cursor") is not None:
            raise ValueError("cannot go with cursor; give one of the two.")
        return page

    def wanted(self) -> JobFilter:
        """Returns the filter of these jobs."""
        names = (JobFilter.__dataclass_fields__.keys() & JobsQuery.model_fields.keys()) - {"task_type", "metadata"}
        same = {name: getattr(self, name) for name in names}
        same["metadata"] = member_of(self.metadata)
        return words.as_shown(JobFilter(schedule_kind=self.kind, task_type=self.task_type or self.job_type, **same))

    def stretch(self) -> Stretch:
        """Returns which part of the list is asked for."""
        return Stretch(limit=self.limit, after=after(self, self.cursor), page=self.page)


class RunsQuery(PageQuery):
    """Which runs to return, of any job; `status_not` leaves out a status, as `pending` does what is only planned.

    With `failure`, those that failed for this reason and are still listed as failures, the newest 1,000; with `host`,
    those of them whose last attempt called it (`-`: none).
    """

    job_id: UUID | None = None
    app_name: Filter | None = None
    account_id: Filter | None = None
    task_type: Filter | None = None
    status: RunStatus | None = None
    status_not: RunStatus | None = None
    trigger: Trigger | None = None
    due_from: InstantInQuery | None = None
    due_before: InstantInQuery | None = None
    scheduled_from: InstantInQuery | None = None
    scheduled_before: InstantInQuery | None = None
    finished_from: InstantInQuery | None = None
    finished_before: InstantInQuery | None = None
    created_from: InstantInQuery | None = None
    created_before: InstantInQuery | None = None
    retry_of: UUID | None = None
    held_by: Hold | None = None
    held_key: Annotated[str, Field(min_length=1, max_length=KEY_LENGTH)] | None = None
    failure: FailureReason | None = None
    host: CalledHost | None = None

    def wanted(self) -> RunFilter:
        """Returns the filter of these runs."""
        return RunFilter(**self.model_dump(exclude={"limit", "cursor", "status_not"}), but=self.status_not)
