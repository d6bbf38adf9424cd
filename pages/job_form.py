"""The form of a new job, derived from what the kinds of task and of schedule declare; and the JSON it stands for."""

from __future__ import annotations

import json
import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any
from zoneinfo import ZoneInfo

from core import json_text, schedules
from core.errors import FieldError, InvalidInput
from core.priority import DEFAULT_PRIORITY
from core.schedules import members
from core.schedules.members import Member
from pages import instants_typed, words
from pages.forms import Form
from services.jobs.definition import Definition
from services.task_types import registry
from services.task_types.registry import TaskType
from settings import Settings

SCHEDULE_KIND = "schedule.type"
CALLBACK = "callback"
"""The kind of task that is a call of an application, and has no parameters of its own but JSON."""
_LONG_TEXT = 1_000
_OF_TYPE = ", unless the app gives its task type another"
_MAKES_APPS = "if there is no app of this name, the job makes one"
_LABELS = {
    "url": "URL",
    "oauth2": "OAuth 2.0",
    "html": "HTML",
    "argv": "Words of the command",
    "env": "Environment variables",
    "stdin": "Standard input",
}
"""The labels of parameters of tasks whose names are no plain words."""
_ONE_ADDRESSEE = "give one of Recipient, Recipients and Emails"
_HINTS = {
    "every_seconds": "give this or Frequency",
    "frequency": "give this or Every seconds",
    "recipient": _ONE_ADDRESSEE,
    "recipients": f"{_ONE_ADDRESSEE}; one to a line",
    "emails": f"{_ONE_ADDRESSEE}; a JSON list",
    "command": "give this or Words of the command",
    "argv": "give this or Command; one to a line",
}
"""The hints of fields of which one is to be given."""
_NEEDS = "needs "
"""How the API begins to say that a group of fields lacks one."""
_WITH_PAGES = {"upload_file": "/dashboard/upload"}
"""The pages of kinds of task that need more than fields."""


@dataclass(frozen=True)
class Field:
    """A field of the form; `form` is text, long, number, json, lines, instant, zone or choice, and `path` its place.

    `example` is a value as one types it; `default`, of a choice, is what holds if none is made. `offered` are values of
    a text that may be another.
    """

    name: str
    label: str
    form: str = "text"
    path: tuple[str, ...] = ()
    hint: str = ""
    choices: Mapping[str, str] | None = None
    required: bool = False
    example: str = ""
    default: str = ""
    offered: Sequence[str] = ()

    @property
    def place(self) -> tuple[str, ...]:
        """Returns where the value stands in the JSON of a job."""
        return self.path or (self.name,)

    @property
    def is_on_own_clocks(self) -> bool:
        """Whether it is an instant on the clocks of the schedule's zone, not of the reader's."""
        return self.form == "instant" and self.place[0] == "schedule"


def kinds(settings: Settings) -> list[TaskType]:
    """Returns the kinds of task that work here and have the form of fields."""
    return [one for one in registry.working(settings) if one.key not in _WITH_PAGES]


def kinds_with_pages(settings: Settings) -> dict[str, str]:
    """Returns the labels of the other kinds of task that work here, by the paths of their pages."""
    return {_WITH_PAGES[one.key]: one.label for one in registry.working(settings) if one.key in _WITH_PAGES}


def task_fields(task_type: TaskType | None) -> list[Field]:
    """Returns the fields for what a kind of task does: its parameters, or JSON for a call of an application."""
    if task_type is None:
        return [
            Field("task_type", "Task type", hint="goes into the callback's path", required=True),
            Field("callback_url", "Callback URL", hint="in place of that of the app"),
            Field("data", "Data", "json", hint="a JSON object that the call contains", example='{"order": 17}'),
        ]
    schema = task_type.parameters.model_json_schema(by_alias=True)
    required = schema.get("required", ())
    return [_parameter(name, about, name in required) for name, about in schema.get("properties", {}).items()]


def schedule_fields(kind: type[schedules.Schedule]) -> list[Field]:
    """Returns the fields of a kind of schedule: its own first, then those that all have which come back."""
    shared = {one.name for one in schedules.Recurring.members()}
    written = sorted((one for one in kind.members() if one.writable), key=lambda one: one.name in shared)
    return [_of_member(kind.kind, one) for one in written]


def common_fields(*, makes_apps: bool = False, apps: Sequence[str] = ()) -> list[Field]:
    """Returns the fields that say whose a job is, with these apps offered.

    `makes_apps` if a job makes an app that is missing.
    """
    return [
        Field("app_name", "App", hint=_MAKES_APPS if makes_apps else "", required=True, offered=apps),
        Field("account_id", "Account", hint="its calls are counted together", required=True),
        Field("user_id", "User", hint="who asks for it", required=True),
        Field("name", "Name", hint="optional; no two jobs of an app have the same name"),
        Field("title", "Title", hint="what people call it"),
        Field("tags", "Tags", "lines", hint="one to a line"),
    ]


def policy_fields(settings: Settings) -> list[Field]:
    """Returns the fields that need no answer, with what holds without one."""
    return [
        Field("priority", "Priority", "number", hint=f"0 to 9, the higher the sooner; {DEFAULT_PRIORITY} by default"),
        Field(
            "max_retries",
            "Retries",
            "number",
            hint=f"of a run that failed; {settings.max_retries} by default{_OF_TYPE}",
        ),
        Field(
            "retry_backoff_base",
            "First backoff",
            "number",
            hint=f"seconds; doubles with each retry; {settings.retry_backoff_base:g} by default{_OF_TYPE}",
        ),
        Field("time_limit_seconds", "Time limit", "number", hint="seconds, for each attempt"),
        _policy("overlap", "Overlap", words.OVERLAPS, Definition.overlap),
        _policy("catch_up", "Catch-up", words.CATCH_UPS, Definition.catch_up),
        Field("deadline", "Deadline", "instant", hint="for a job that runs once"),
        Field("deadline_seconds", "Deadline after due", "number", hint="seconds, for a job that recurs"),
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
    """Returns what is wrong beside each field, and what belongs to none of them.

    A message that begins with a capital is a sentence of its own; any other continues the field's label.
    """
    errors: dict[str, str] = {}
    others = []
    places = {".".join(field.place): field.name for field in fields}
    for one in refusal.fields:
        name = places.get(one.field) or places.get(one.field.rpartition(".")[0])
        if name is None and (group := _of_group(one, fields)) is not None:
            errors.update(group)
        elif name is None:
            others.append(f"{one.field} {one.message}")
        else:
            errors[name] = f"{errors[name]} {one.message}" if name in errors else one.message
    return errors, others


def _of_group(one: FieldError, fields: Sequence[Field]) -> dict[str, str] | None:
    """Returns what a group of fields lacks, in the labels of the form, beside the first of them that is named."""
    labels = {field.place[-1]: field for field in fields if ".".join(field.place[:-1]) == one.field}
    named = [name for name in labels if re.search(rf"\b{name}\b", one.message)]
    if not named or not one.message.startswith(_NEEDS):
        return None
    told = re.sub(r"\w+", lambda word: labels[word[0]].label if word[0] in named else word[0], one.message)
    return {labels[named[0]].name: f"{told[:1].upper()}{told[1:]}"}


def _policy(name: str, label: str, choices: Mapping[str, str], default: str) -> Field:
    return Field(name, label, "choice", choices=choices, default=choices[default])


def _parameter(name: str, about: Mapping[str, Any], is_required: bool) -> Field:
    shape = next((one for one in about.get("anyOf", [about]) if one.get("type") != "null"), about)
    form, choices = "json", None
    if "enum" in shape:
        form, choices = "choice", {str(one): str(one) for one in shape["enum"]}
    elif shape.get("type") == "string":
        form = "long" if shape.get("maxLength", 0) > _LONG_TEXT and shape.get("format") != "uri" else "text"
    elif shape.get("type") in ("integer", "number"):
        form = "number"
    elif shape.get("type") == "boolean":
        form, choices = "choice", {"true": "yes", "false": "no"}
    elif shape.get("type") == "array" and shape.get("items", {}).get("type") == "string":
        form = "lines"
    return Field(
        name=f"data.{name}",
        label=_LABELS.get(name, name.replace("_", " ").capitalize()),
        form=form,
        path=("data", name),
        hint=_HINTS.get(name)
        or about.get("description", {"json": "JSON", "lines": "one to a line"}.get(form, "")).removesuffix("."),
        choices=choices,
        required=is_required,
        example=_typed_example(form, about.get("examples", ())),
        default="" if choices is None or about.get("default") is None else choices[_as_choice(about["default"])],
    )


def _as_choice(value: Any) -> str:
    return str(value).lower() if isinstance(value, bool) else str(value)


def _typed_example(form: str, examples: Sequence[Any]) -> str:
    if not examples:
        return ""
    example = examples[0]
    return json.dumps(example) if form == "json" or isinstance(example, bool) else str(example)


def _of_member(kind: str, one: Member) -> Field:
    forms = {members.Number: "number", members.Instant: "instant", members.Zone: "zone", members.Choice: "choice"}
    choices = {word.value: word.value for word in one.form.words} if isinstance(one.form, members.Choice) else None
    has_default = choices is not None and not one.is_required and one.default is not None
    return Field(
        name=f"schedule.{kind}.{one.name}",
        label=one.name.replace("_", " ").capitalize(),
        form=forms.get(type(one.form), "text"),
        path=("schedule", one.name),
        hint=_HINTS.get(one.name, one.words),
        choices=choices,
        required=one.is_required,
        example=one.form.example if isinstance(one.form, members.Text) else "",
        default=str(one.default) if has_default else "",
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
        remedy = f"; write for example {field.example}." if field.example else "."
        raise InvalidInput.at(place, f"cannot be read as JSON: {error}{remedy}") from None
