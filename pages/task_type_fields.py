"""The task types of an app in forms: what one would type to get one, and what is meant by what was typed."""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any

from core.errors import FieldError, InvalidInput
from pages import formats, forms
from pages.forms import Form
from services.apps.app_views import TaskTypePolicy

_READ: dict[str, Callable[[str], Any]] = {
    "max_retries": forms.typed_number,
    "retry_backoff_base": forms.typed_number,
    "limit_key": str,
    "request": lambda text: forms.data(text, "request"),
}
"""How what is typed into each field is read."""

NAMES = tuple(_READ)
NEW, CHANGED = "new_type", "changed_type"
"""The fields for the name of a task type: one to add, and one that the app has."""


def typed(policy: TaskTypePolicy) -> dict[str, str]:
    """Returns what one would type to get a task type like this one."""
    return {name: _text(getattr(policy, name)) for name in NAMES}


def given(form: Form, former: TaskTypePolicy) -> dict[str, Any]:
    """Returns a task type as the API takes it; what is typed as it was shown of the former one stays to the letter.

    Raises `InvalidInput` for a request that is no JSON object.
    """
    shown = typed(former)
    wanted = {name: form.get(name, "") for name in NAMES}
    return {
        name: getattr(former, name) if text == _as_read(shown[name]) else _READ[name](text)
        for name, text in wanted.items()
        if text
    }


def beside(refusal: InvalidInput, task_type: str) -> InvalidInput:
    """Returns a refusal of an app by the fields of the form of one of its task types; others keep their names."""
    return InvalidInput(*(_beside(one, f"task_types.{task_type}") for one in refusal.fields))


def _beside(one: FieldError, place: str) -> FieldError:
    if one.field == place:
        return FieldError(NEW, one.message)
    if not one.field.startswith(f"{place}."):
        return one
    name, _, rest = one.field.removeprefix(f"{place}.").partition(".")
    return FieldError(name, f"{rest} {one.message}" if rest else one.message)


def _text(value: Any) -> str:
    match value:
        case None:
            return ""
        case str():
            return value
        case float() if value.is_integer():
            return str(int(value))
        case dict():
            return formats.pretty(value)
    return json.dumps(value)


def _as_read(text: str) -> str:
    """Returns a text as a form that is read has it."""
    return text.replace("\r\n", "\n").strip()
