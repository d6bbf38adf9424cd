"""The form of a new job, derived from what the kinds of task and of schedule declare; and the JSON it stands for."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any
from zoneinfo import ZoneInfo

from core import json_text, schedules
from core.errors import FieldError, InvalidInput
from core.policies import CatchUp, Overlap
from core.schedules import members
from core.schedules.members import Member
from pages import instants_typed, words
from pages.forms import Form
from services.task_types import registry
from services.task_types.registry import TaskType
from settings import Settings

SCHEDULE_KIND = "schedule.type"
CALLBACK = "callback"
"""The kind of task that is a call of an application, and has no parameters of its own but JSON."""
_LONG_TEXT = 1_000
_WITHOUT_FORM = ("upload_file",)  # it needs a file


@dataclass(frozen=True)
class Field:
    """A field of the form; `form` is text, long, number, json, lines, instant, zone or choice, and `path` its place."""

    name: str
    label: str
    form: str = "text"
    path: tuple[str, ...] = ()
    hint: str = ""
    choices: Mapping[str, str] | None = None
    required: bool = False

    @property
    def place(self) -> tuple[str, ...]:
        """Returns where the value stands in the JSON of a job."""
        return self.path or (self.name,)

    @property
    def is_on_own_clocks(self) -> bool:
        """Whether it is an instant on the clocks of the schedule's zone, not of the reader's."""
        return self.form == "instant" and self.place[0] == "schedule"


def kinds(settings: Settings) -> list[TaskType]:
    """Returns the kinds of task that work here and have a form."""
    return [one for one in registry.working(settings) if one.key not in _WITHOUT_FORM]


def task_fields(task_type: TaskType | None) -> list[Field]:
    """Returns the fields for what a kind of task does: its parameters, or JSON for a call of an application."""
    if task_type is None:
        return [
            Field("task_type", "Task type", hint="goes into the callback's path", required=True),
            Field("callback_url", "Callback URL", hint="in place of that of the app"),
            Field("data", "Data", "json", hint='a JSON object, for example {"order": 17}'),
        ]
    schema = task_type.parameters.model_json_schema(by_alias=True)
    required = schema.get("required", ())
    return [_parameter(name, about, name in required) for name, about in schema.get("properties", {}).items()]


def schedule_fields(kind: type[schedules.Schedule]) -> list[Field]:
    """Returns the fields of a kind of schedule: its own first, then those that all have which come back."""
    shared = {one.name for one in schedules.Recurring.members()}
    written = sorted((one for one in kind.members() if one.writable), key=lambda one: one.name in shared)
    return [_of_member(kind.kind, one) for one in written]


def common_fields() -> list[Field]:
    """Returns the fields that say whose a job is."""
    return [
        Field("app_name", "App", required=True),
        Field("account_id", "Account", hint="its calls are counted together", required=True),
        Field("user_id", "User", hint="who asks for it", required=True),
        Field("name", "Name", hint="means one job of its app"),
        Field("title", "Title", hint="what people call it"),
        Field("tags", "Tags", "lines", hint="one to a line"),
    ]


def policy_fields() -> list[Field]:
    """Returns the fields that need no answer."""
    return [
        Field("priority", "Priority", "number", hint="0 to 9, the higher the sooner; 5 by default"),
        Field("max_retries", "Retries", "number", hint="of a run that failed"),
        Field("retry_backoff_base", "First backoff", "number", hint="seconds; doubles with each retry"),
        Field("time_limit_seconds", "Time limit", "number", hint="seconds, for each attempt"),
        Field("overlap", "Overlap", "choice", choices={one.value: words.OVERLAPS[one] for one in Overlap}),
        Field("catch_up", "Catch-up", "choice", choices={one.value: words.CATCH_UPS[one] for one in CatchUp}),
        Field("deadline", "Deadline", "instant", hint="on your clocks, for a job that runs once"),
        Field("deadline_seconds", "Deadline after due", "number", hint="seconds, for a job that comes back"),
    ]


def job_of(form: Form, fields: Iterable[Field], zone: ZoneInfo) -> dict[str, Any]:
    """Returns the JSON that a program would send; the API judges it. Raises `InvalidInput` for what is not JSON."""
    job: dict[str, Any] = {}
    for field in fields:
        text = form.get(field.name, "")
        if not text:
            continue
        at = job
        for part in field.place[:-1]:
            at = at.setdefault(part, {})
        at[field.place[-1]] = value_of(field, text, zone)
    return job


def value_of(field: Field, text: str, zone: ZoneInfo) -> Any:
    """Returns a field's text as JSON has it; what is none stays text, which the API refuses in its own words."""
    match field.form:
        case "number":
            return _number(text)
        case "json":
            return _json(field, text)
        case "lines":
            return [line.strip() for line in text.split("\n") if line.strip()]
        case "choice" if text in ("true", "false"):
            return text == "true"
        case "instant" if not field.is_on_own_clocks:
            return instants_typed.read(text, zone)
        case _:
            return text


def beside(refusal: InvalidInput, fields: Sequence[Field]) -> tuple[dict[str, str], list[str]]:
    """Returns what is wrong beside each field, and what belongs to none of them."""
    errors: dict[str, str] = {}
    others = []
    places = {".".join(field.place): field.name for field in fields}
    for one in refusal.fields:
        name = places.get(one.field) or places.get(one.field.rpartition(".")[0])
        if name is None:
            others.append(f"{one.field} {one.message}")
        else:
            errors[name] = f"{errors[name]} {one.message}" if name in errors else one.message
    return errors, others


def _parameter(name: str, about: Mapping[str, Any], is_required: bool) -> Field:
    shape = next((one for one in about.get("anyOf", [about]) if one.get("type") != "null"), about)
    form, choices = "json", None
    if "enum" in shape:
        form, choices = "choice", {str(one): str(one) for one in shape["enum"]}
    elif shape.get("type") == "string":
        form = "long" if shape.get("maxLength", 0) > _LONG_TEXT else "text"
    elif shape.get("type") in ("integer", "number"):
        form = "number"
    elif shape.get("type") == "boolean":
        form, choices = "choice", {"true": "yes", "false": "no"}
    elif shape.get("type") == "array" and shape.get("items", {}).get("type") == "string":
        form = "lines"
    hint = {"json": "JSON", "lines": "one to a line"}.get(form, "")
    return Field(f"data.{name}", name, form, ("data", name), about.get("description", hint), choices, is_required)


def _of_member(kind: str, one: Member) -> Field:
    forms = {members.Number: "number", members.Instant: "instant", members.Zone: "zone", members.Choice: "choice"}
    choices = {word.value: word.value for word in one.form.words} if isinstance(one.form, members.Choice) else None
    hint = f"for example {one.form.example}" if isinstance(one.form, members.Text) else one.words
    return Field(
        name=f"schedule.{kind}.{one.name}",
        label=one.name.replace("_", " ").capitalize(),
        form=forms.get(type(one.form), "text"),
        path=("schedule", one.name),
        hint=hint,
        choices=choices,
        required=one.is_required,
    )


def _number(text: str) -> Any:
    for kind in (int, float):
        try:
            return kind(text)
        except ValueError:
            continue
    return text


def _json(field: Field, text: str) -> Any:
    place = ".".join(field.place)
    try:
        return json_text.parse(text.encode())
    except InvalidInput as refusal:  # its paths begin within the field
        raise InvalidInput(*(FieldError(place, f"{one.field} {one.message}") for one in refusal.fields)) from None
    except ValueError as error:
        raise InvalidInput.at(place, f"cannot be read as JSON: {error}.") from None
