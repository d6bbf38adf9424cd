"""Validates values from outside by a model, and names every wrong field in plain words."""

from __future__ import annotations

from typing import Any, TypeVar

from pydantic import BaseModel, ValidationError
from pydantic_core import ErrorDetails

from core import schedules
from core.errors import FieldError, InvalidInput

M = TypeVar("M", bound=BaseModel)

_KINDS = ", ".join(schedules.KINDS)
_LONGEST_SHOWN = 60
_MAX_FAULTS_NAMED = 20


def shaped(model: type[M], value: Any, within: str = "", whole: str = "") -> M:
    """Returns the model of a value that stands `within` a field; faults of the whole value are reported for `whole`.

    Raises `InvalidInput` naming every wrong field.
    """
    try:
        return model.model_validate(value)
    except ValidationError as error:
        faults = error.errors(include_url=False)[:_MAX_FAULTS_NAMED]
    raise InvalidInput(*(FieldError(_field(fault, within) or whole, _message(fault)) for fault in faults))


def first_fault(error: ValidationError, *within: str) -> tuple[str, str]:
    """Returns the path of the first value that does not fit, and pydantic's message about it."""
    fault = error.errors(include_url=False, include_input=False)[0]
    return ".".join((*within, *map(str, fault["loc"]))), fault["msg"]


def shown(value: Any) -> str:
    """Returns a value as a message shows it: short, and without the content of containers."""
    match value:
        case None:
            return "null"
        case bool():
            return "true" if value else "false"
        case dict():
            return "an object"
        case list():
            return "a list"
        case int() if value.bit_length() > _LONGEST_SHOWN:
            return "a very large number"
    text = repr(value[: _LONGEST_SHOWN + 1] if isinstance(value, str) else value)
    return text if len(text) <= _LONGEST_SHOWN else f"{text[:_LONGEST_SHOWN]}..."


def _field(fault: ErrorDetails, within: str) -> str:
    """The dotted path to a wrong value, without the name of the schedule's kind that pydantic puts into it."""
    where = [
        str(part)
        for place, part in enumerate(fault["loc"])
        if part != "[key]" and not (place and fault["loc"][place - 1] == "schedule" and part in schedules.KINDS)
    ]
    if fault["type"] in ("union_tag_not_found", "union_tag_invalid"):
        where.append("type")
    return ".".join([within, *where] if within else where)


def _message(fault: ErrorDetails) -> str:
    context = fault.get("ctx", {})
    if fault["type"] == "value_error":
        return str(context["error"])
    rule = _RULES.get(fault["type"])
    if rule is None:
        return f"is {shown(fault['input'])}, which is wrong: {fault['msg']}."
    tag = shown(context.get("tag"))
    return rule.format(**{**context, "shown": shown(fault["input"]), "tag": tag, "kinds": _KINDS})


_WHOLE = "must be a whole number, not {shown}."
_NUMBER = "must be a number, not {shown}."
_RULES = {
    "missing": "is required.",
    "extra_forbidden": "is not a field that is known here; remove it, or check its spelling.",
    "string_type": "must be text, not {shown}.",
    "string_too_short": "must have at least {min_length} characters; it is {shown}.",
    "string_too_long": "must have at most {max_length} characters; shorten it.",
    "int_type": _WHOLE,
    "int_parsing": _WHOLE,
    "int_from_float": _WHOLE,
    "int_parsing_size": "must be a smaller number than that.",
    "float_type": _NUMBER,
    "float_parsing": _NUMBER,
    "finite_number": "must be a finite number, not {shown}.",
    "greater_than": "must be greater than {gt}, not {shown}.",
    "greater_than_equal": "must be at least {ge}, not {shown}.",
    "less_than": "must be less than {lt}, not {shown}.",
    "less_than_equal": "must be at most {le}, not {shown}.",
    "dict_type": "must be a JSON object, not {shown}.",
    "model_type": "must be a JSON object, not {shown}.",
    "model_attributes_type": "must be a JSON object, not {shown}.",
    "list_type": "must be a list, not {shown}.",
    "too_short": "must have at least {min_length} entries, not {actual_length}.",
    "too_long": "must have at most {max_length} entries, not {actual_length}.",
    "enum": "must be one of {expected}, not {shown}.",
    "literal_error": "must be {expected}, not {shown}.",
    "union_tag_not_found": "is required; give one of {kinds}.",
    "union_tag_invalid": "is {tag}, which is none of {kinds}.",
}
