"""The readers by which pages get data in the form in which the API shows it."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from typing import Any

from api import user_edits, validation
from api.resources import apps, secrets
from api.schemas import accounts, editing
from api.schemas.app_keys import NewKey
from api.schemas.apps import NewNamedApp
from api.schemas.audit import AuditQuery, ReasonQuery
from api.schemas.jobs import Job, NewJob
from api.schemas.limits import NewLimit
from api.schemas.members import NewRole
from api.schemas.paging import JobsQuery, RunsQuery, list_of, write_cursor
from api.schemas.quotas import NewQuotas
from api.schemas.repeating import NewBackfill
from api.schemas.saved_views import NewView
from api.schemas.schedules import Preview
from api.schemas.test_calls import NewTestCall
from api.schemas.versions import Differences
from api.sources import translating
from api.sources.commands import schema, words
from api.sources.commands.schema import NewCommandTask
from core import json_text
from core.errors import InvalidInput
from core.listing import Ordering
from core.principals import Principal
from core.schedules import KINDS, Schedule
from core.scopes import Role
from pages.readers import AuditList, JobList, Parameters, Readers, RunList
from services.access.saved_views import ViewedList
from services.apps.app_views import AppDefinition
from services.jobs.definition import Definition
from services.jobs.definition import NewJob as Wanted
from services.jobs.version_history import Comparison
from services.reading.views import JobView
from services.runtime import slow_checks
from services.system import System
from services.task_types import run_command


def readers(system: System) -> Readers:
    """Returns the readers of an installation."""
    commands = _Commands(system)
    return Readers(
        job_list=_job_list,
        run_list=_run_list,
        audit=_audit,
        cursor=write_cursor,
        reason=_reason,
        new_job=_new_job,
        span=_span,
        schedule=_schedule,
        job_as_asked=_job_as_asked,
        job_as_shown=_job_as_shown,
        changed_job=_changed_job,
        new_app=_new_app,
        changed_app=apps.patched,
        app_with_task_type=apps.with_task_type,
        new_key=lambda value: validation.body(NewKey, _checked(value)).parsed(),
        role=lambda value: Role(validation.body(NewRole, value).role),
        secret=secrets.value_of,
        differences=_differences,
        expect_edit=user_edits.expect_edit,
        test_call=_test_call,
        view=_view,
        limit=lambda value: validation.body(NewLimit, value).parsed(),
        quotas=lambda value: validation.body(NewQuotas, value).parsed(),
        invitation=_invitation,
        passwords=_passwords,
        new_token=lambda value: validation.body(accounts.NewToken, _checked(value)).parsed(),
        new_command=commands.new,
        changed_command=commands.changed,
        command_as_shown=lambda view: schema.show(view, {}).model_dump(),
        is_command=words.SOURCE.owns,
    )


def _checked(value: Any) -> Any:
    try:
        return json_text.checked(value)
    except json_text.TooDeep as error:
        raise InvalidInput.at("data", f"{error}.") from None


def _job_list(params: Parameters) -> JobList:
    query = validation.query(JobsQuery, params)
    return JobList(query.wanted(), Ordering.of(query.ordering), query.stretch(), list_of(query))


def _run_list(params: Parameters) -> RunList:
    query = validation.query(RunsQuery, params)
    return RunList(query.wanted(), query.stretch(), list_of(query))


def _audit(params: Parameters) -> AuditList:
    query = validation.query(AuditQuery, params)
    return AuditList(query.wanted(), query.after_id(), query.limit, list_of(query))


def _reason(params: Parameters) -> str | None:
    return validation.query(ReasonQuery, params).reason


def _new_job(value: Any) -> Wanted:
    return validation.body(NewJob, _checked(value)).parsed()


def _schedule(value: Any) -> Schedule:
    return validation.body(Preview, {"schedule": value}).schedule.parsed()


def _test_call(value: Any) -> tuple[str, dict[str, Any] | None]:
    given = validation.body(NewTestCall, value)
    return given.task_type, given.data


def _view(value: Any) -> tuple[ViewedList, str, Mapping[str, str]]:
    given = validation.body(NewView, value)
    return ViewedList(given.list), given.name, given.checked()


def _invitation(value: Any) -> tuple[str | None, bool]:
    given = validation.body(accounts.NewInvitation, value)
    return given.email, given.administrator


def _passwords(value: Any) -> tuple[str, str]:
    given = validation.body(accounts.ChangedPassword, value)
    return given.current_password, given.new_password


def _span(value: Any) -> tuple[datetime, datetime]:
    given = validation.body(NewBackfill, value)
    return given.start, given.end


def _new_app(value: Any) -> tuple[str, AppDefinition]:
    given = validation.body(NewNamedApp, _checked(value))
    return given.name, given.definition()


def _differences(found: Comparison) -> tuple[dict[str, Any], dict[str, Any]]:
    differing = Differences.of(found).results
    return {one.member: one.before for one in differing}, {one.member: one.after for one in differing}


def _job_as_shown(view: JobView) -> dict[str, Any]:
    return Job.model_validate(view).model_dump(mode="json")


def _changed_job(principal: Principal, view: JobView, value: Any) -> Definition:
    wanted = editing.replaced(view, slow_checks.outcome("job", value, lambda: _checked(value)))
    user_edits.expect_edit(principal, view, wanted)
    return wanted


def _job_as_asked(view: JobView) -> dict[str, Any]:
    """The request that would create such a job, without members that have their defaults."""
    shown = _job_as_shown(view)
    shown["schedule"] = _as_written(shown["schedule"])
    fields = NewJob.model_fields
    return {name: shown[name] for name in fields if shown[name] not in (None, [], fields[name].default)}


def _as_written(schedule: Mapping[str, Any]) -> dict[str, Any]:
    """A schedule's members that callers may write, of those that are set."""
    writable = {"type", *(one.name for one in KINDS[schedule["type"]].members() if one.writable)}
    return {name: value for name, value in schedule.items() if name in writable and value is not None}


class _Commands:
    """Reads commands as the API of commands does."""

    def __init__(self, system: System) -> None:
        self._system = system

    def new(self, principal: Principal, value: Any) -> Wanted:
        given = self._read(value)
        translating.expect_future("scheduled_time", given.scheduled_time, self._system.clock.now())
        translating.expect_known("command", run_command.KEY)
        return given.parsed(principal)

    def changed(self, principal: Principal, view: JobView, value: Any) -> Definition:
        shown = schema.show(view, {})
        given = self._read({"metadata": shown.metadata, **value})
        if given.scheduled_time != shown.scheduled_time:
            translating.expect_future("scheduled_time", given.scheduled_time, self._system.clock.now())
        return translating.amended(view, schema.asked_for(shown).parsed(principal), given.parsed(principal))

    def _read(self, value: Any) -> NewCommandTask:
        return validation.body(NewCommandTask, value)
