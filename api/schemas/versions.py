"""The versions of a job as callers get them: when and by whom each was made, what it says, what differs."""

from __future__ import annotations

from dataclasses import fields
from datetime import datetime
from typing import Annotated, Any, Self

from pydantic import BeforeValidator

from api.schemas.jobs import Keep
from api.schemas.shown_schedules import ShownSchedule, show
from api.schemas.values import Shown
from core import schedules
from core.policies import CatchUp, Overlap
from services.jobs.definition import Definition
from services.jobs.version_history import Comparison

_SHOWN_AS = {"deadline_at": "deadline", "keep_days": "keep", "keep_last": "keep"}


class Version(Shown):
    """A version of a job: `by` made it at `since`, for a reason if one was given; null where that is not known."""

    version: int
    since: datetime | None
    by: str | None
    reason: str | None
    is_current: bool


class Versions(Shown):
    """A job's newest versions, newest first."""

    results: list[Version]


def _canonical(given: Any) -> Any:
    return show(given) if isinstance(given, schedules.Schedule) else given


class JobInVersion(Shown):
    """What a job was to do in a version, when, and by which policies."""

    account_id: str
    user_id: str | int
    board_id: str | int | None
    name: str | None
    title: str | None
    metadata: dict[str, Any] | None
    tags: list[str]
    task_type: str
    schedule: Annotated[ShownSchedule, BeforeValidator(_canonical)]
    data: dict[str, Any] | None
    callback_url: str | None
    priority: int
    max_retries: int | None
    retry_backoff_base: float | None
    retry_backoff_max: float | None
    time_limit_seconds: float | None
    catch_up: CatchUp
    catch_up_window_seconds: float
    overlap: Overlap
    deadline: datetime | None
    deadline_seconds: float | None
    expire: bool
    keep: Keep | None
    limit_key: str | None

    @classmethod
    def of(cls, definition: Definition) -> Self:
        """The definition as it is shown."""
        members = {_shown(one.name): getattr(definition, one.name) for one in fields(Definition)}
        return cls(**{**members, "keep": Keep.of(definition.keep_days, definition.keep_last)})


class Difference(Shown):
    """A member in which two versions differ; masked values may look the same although they differ."""

    member: str
    before: Any
    after: Any


class Differences(Shown):
    """The members in which two versions of a job differ, by name."""

    results: list[Difference]

    @classmethod
    def of(cls, found: Comparison) -> Self:
        """What a comparison has found, in the values that the API shows."""
        earlier, later = (JobInVersion.of(one).model_dump(mode="json") for one in (found.earlier, found.later))
        members = sorted(set(map(_shown, found.differing)))
        return cls(results=[Difference(member=one, before=earlier[one], after=later[one]) for one in members])


def _shown(member: str) -> str:
    return _SHOWN_AS.get(member, member)
