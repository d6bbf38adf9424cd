"""A job's definition: what an application asks for, and may change later."""

from __future__ import annotations

import json
from dataclasses import dataclass, field, fields
from datetime import datetime
from typing import Any
from uuid import UUID

from core import built_in_apps, json_text, masking, names, schedules
from core.errors import InvalidInput
from core.instants import shown
from core.policies import CATCH_UP_WINDOW_SECONDS, CatchUp, Overlap
from core.principals import Principal
from core.priority import DEFAULT_PRIORITY
from core.trace_context import TraceContext
from models import apps
from models.hot.rows import KnownApp
from models.tables import App, Job
from services.jobs import requests_of_accounts
from services.scheduling import stored_schedule
from services.system import System
from services.task_types import registry


@dataclass(frozen=True, kw_only=True)
class Definition:
    """What to do, when, for whom, and by which policies. Only one-shots have a `deadline_at`."""

    account_id: str
    user_id: Any
    task_type: str
    schedule: schedules.Schedule
    name: str | None = None
    title: str | None = None
    metadata: Any = None
    tags: tuple[str, ...] = ()
    board_id: Any = None
    data: Any = None
    callback_url: str | None = None
    priority: int = DEFAULT_PRIORITY
    max_retries: int | None = None
    retry_backoff_base: float | None = None
    retry_backoff_max: float | None = None
    time_limit_seconds: float | None = None
    catch_up: CatchUp = CatchUp.LATEST
    catch_up_window_seconds: float = CATCH_UP_WINDOW_SECONDS
    overlap: Overlap = Overlap.SKIP
    deadline_at: datetime | None = None
    deadline_seconds: float | None = None
    expire: bool = False
    keep_days: float | None = None
    keep_last: int | None = None
    limit_key: str | None = None


@dataclass(frozen=True, kw_only=True)
class NewJob(Definition):
    """A definition, the app and the owner (if any) that it is for, its creator (named, and whole), and its trace.

    If `app_id` is given, the app with this name must have that id. `bound_to` is the account to which the key of the
    creator is bound.
    """

    app_name: str
    app_id: UUID | None = None
    owner_id: UUID | None = None
    created_by: str | None = None
    creator: Principal | None = field(default=None, compare=False)
    bound_to: str | None = None
    trace: TraceContext | None = None
    paused: bool = False


_PLAIN = tuple(one.name for one in fields(Definition) if one.name not in {"schedule", "tags"})
"""Stored unchanged in a column of the same name."""


def columns(definition: Definition) -> dict[str, Any]:
    """Returns the columns of `jobs` for a definition; its tags have their own table."""
    return {
        **{name: getattr(definition, name) for name in _PLAIN},
        "name_key": None if definition.name is None else names.folded(definition.name),
        "search_text": names.searched(definition.name, definition.title),
        "queue": registry.queue_of(definition.task_type),
        "schedule_kind": definition.schedule.kind,
        "schedule": stored_schedule.write(definition.schedule),
    }


def of(job: Job, tags: tuple[str, ...]) -> Definition:
    """Returns the definition in a job's row."""
    plain = {name: getattr(job, name) for name in _PLAIN}
    return Definition(**plain, schedule=stored_schedule.read(job.schedule), tags=tags)


def expect_possible(
    system: System,
    wanted: Definition,
    app: App | KnownApp,
    now: datetime,
    *,
    before: Definition | None = None,
    bound_to: str | None = None,
) -> None:
    """Raise `InvalidInput` if the job has no URL to call, or a wrong one, or a deadline that has passed.

    A URL is wrong if it is masked, or not allowed for the caller's key. Members that an edit leaves as they were
    `before` are not checked again. `bound_to` is the account to which the caller's key is bound.
    """
    url = wanted.callback_url
    if url is not None and (before is None or url != before.callback_url) and (fault := masking.fault_of_address(url)):
        raise InvalidInput.at("callback_url", fault)
    if bound_to is not None and url is not None and (before is None or url != before.callback_url):
        base_url = app.callback_base_url or system.settings.callback_base_url
        requests_of_accounts.expect_own_receiver(bound_to, url, base_url)
    needs_callback = wanted.callback_url is None and registry.find(wanted.task_type) is None
    if needs_callback and (before is None or before.callback_url is not None or wanted.task_type != before.task_type):
        _expect_base(system, app, wanted.task_type)
    deadline_at = wanted.deadline_at
    if deadline_at is not None and deadline_at <= now and (before is None or deadline_at != before.deadline_at):
        raise InvalidInput.at("deadline", f"is {shown(deadline_at)}, which has passed; give a later one.")


def expect_no_growth(before: Definition, wanted: Definition, most: int) -> None:
    """Raise `InvalidInput` for a member that an edit makes larger than a body may be, as a series of patches could.

    A member that was already larger, by an earlier setting or the form of its numbers, may stay unchanged.
    """
    for member in ("data", "metadata"):
        size = json_text.size(getattr(wanted, member))
        if size > max(most, json_text.size(getattr(before, member))):
            raise InvalidInput.at(
                member, f"would take {size} bytes, more than MAX_BODY_BYTES={most}; remove something first."
            )


def name_taken(name: str | None, app: App | KnownApp) -> InvalidInput:
    """Returns the refusal of a name that another job has."""
    whose = "another job of yours in the app" if app.name in built_in_apps.NAMES else "another job of the app"
    return InvalidInput.at("name", f"is {name!r}, which {whose} {app.name} has; give another.")


def alike(one: Definition, other: Definition) -> bool:
    """Whether two definitions have the same JSON: 1 is neither true nor 1.0."""
    return one == other and _as_text(one) == _as_text(other)


def snapshot(definition: Definition) -> dict[str, Any]:
    """Returns a definition as a JSON object."""
    kept = {name: _as_json(getattr(definition, name)) for name in _PLAIN}
    return {**kept, "tags": list(definition.tags), "schedule": stored_schedule.write(definition.schedule)}


def restore(kept: dict[str, Any]) -> Definition:
    """Returns the definition in a snapshot; missing members get their defaults."""
    values = {**kept, "tags": tuple(kept["tags"]), "schedule": stored_schedule.read(kept["schedule"])}
    if values.get("deadline_at") is not None:
        values["deadline_at"] = datetime.fromisoformat(values["deadline_at"])
    values["catch_up"] = CatchUp(values["catch_up"])
    values["overlap"] = Overlap(values["overlap"])
    return Definition(**values)


def _expect_base(system: System, app: App | KnownApp, task_type: str) -> None:
    if app.callback_base_url is not None or system.settings.callback_base_url is not None:
        return
    of_app = apps.task_type(app.id, task_type)
    if of_app is None or of_app.request is None:
        raise InvalidInput.at(
            "callback_url",
            f"is needed: the app {app.name} has no callback_base_url. Give one here, or PUT /api/apps/{app.name}.",
        )


def _as_text(definition: Definition) -> str:
    return json.dumps([definition.user_id, definition.board_id, definition.data, definition.metadata])


def _as_json(value: Any) -> Any:
    return value.isoformat() if isinstance(value, datetime) else value
