"""Edits of jobs as callers write them: a merge patch or a whole definition. Both become a definition."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from pydantic import ConfigDict, create_model

from api import validation
from api.schemas.jobs import Job, JobDefinition, JobWithUsual
from api.validation import shown as in_words
from core.errors import FieldError, InvalidInput
from core.merge_patch import merged
from services.jobs.definition import Definition
from services.reading.views import JobView

_WRITABLE = tuple(JobDefinition.model_fields)
_READ_ONLY = tuple(name for name in Job.model_fields if name not in _WRITABLE)
_IGNORED = tuple(name for name in JobWithUsual.model_fields if name not in Job.model_fields)
"""What is shown and may have changed since, by no edit."""
_ANCHOR = "anchor_at"


class WholeJob(JobDefinition):
    """A job's whole definition; what is left out gets the default of a new job.

    Members that cannot be changed may be sent back as they are shown, so what a GET returned can be PUT.
    """

    model_config = ConfigDict(extra="allow")


_PATCHED: Any = {name: (field.annotation | None, None) for name, field in JobDefinition.model_fields.items()}  # type: ignore[operator]  # every field's type takes `| None`
JobPatch = create_model(
    "JobPatch",
    __doc__="""What is to change, as a merge patch (RFC 7396): a member replaces the current one, objects are merged,
    null removes. A schedule of another type replaces the old one completely.""",
    **{**_PATCHED, "schedule": (dict[str, Any] | None, None)},
)


def replaced(view: JobView, body: Any) -> Definition:
    """Returns the definition that replaces a job's. Raises `InvalidInput` naming every wrong field."""
    return _definition(_without_read_only(validation.json_object(body), _shown(view)))


def patched(view: JobView, patch: Any) -> Definition:
    """Returns a job's definition with a merge patch applied. Raises `InvalidInput` naming every wrong field."""
    shown = _shown(view)
    changes = _without_read_only(validation.json_object(patch), shown)
    target = {name: shown[name] for name in _WRITABLE}
    target["schedule"] = _target_schedule(changes.get("schedule"), shown["schedule"])
    return _definition(merged(target, changes))


def _shown(view: JobView) -> dict[str, Any]:
    return Job.model_validate(view).model_dump(mode="json")


def _without_read_only(given: Mapping[str, Any], shown: Mapping[str, Any]) -> dict[str, Any]:
    """Returns what is given, without read-only members. Raises `InvalidInput` naming each of these that differs."""
    differ = [name for name in _READ_ONLY if given.get(name, shown[name]) != shown[name]]
    faults = [_fault(name, given[name], shown[name]) for name in differ]
    writable = {name: value for name, value in given.items() if name not in (*_READ_ONLY, *_IGNORED)}
    schedule = given.get("schedule")
    if isinstance(schedule, dict) and _ANCHOR in schedule and _ANCHOR in shown["schedule"]:
        anchor = shown["schedule"][_ANCHOR]
        if schedule[_ANCHOR] != anchor:
            faults.append(_fault(f"schedule.{_ANCHOR}", schedule[_ANCHOR], anchor))
        writable["schedule"] = {name: value for name, value in schedule.items() if name != _ANCHOR}
    if faults:
        raise InvalidInput(*faults)
    return writable


def _fault(name: str, given: Any, shown: Any) -> FieldError:
    return FieldError(
        name, f"is {in_words(given)}, but that of the job is {in_words(shown)} and cannot be changed; leave it out."
    )


def _target_schedule(change: Any, shown: Mapping[str, Any]) -> dict[str, Any]:
    """Returns what a patch of the schedule is merged into: nothing if the patch is of another type."""
    if isinstance(change, dict) and change.get("type", shown["type"]) != shown["type"]:
        return {}
    return {name: value for name, value in shown.items() if name != _ANCHOR}


def _definition(writable: Mapping[str, Any]) -> Definition:
    return Definition(**validation.body(JobDefinition, dict(writable)).definition())
