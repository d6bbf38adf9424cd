"""Parse what requests send (bodies, parts of bodies, query parameters) into models."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, TypeVar

from pydantic import BaseModel

from api.bodies import bad_text
from core.errors import FieldError, InvalidInput
from services.task_types.validation_messages import shaped, shown

__all__ = ["body", "json_object", "member", "query", "shown"]

M = TypeVar("M", bound=BaseModel)


def body(model: type[M], value: Any) -> M:
    """Returns the model of a JSON body. Raises `InvalidInput` naming every wrong field."""
    return shaped(model, json_object(value), whole="body")


def json_object(value: Any) -> dict[str, Any]:
    """Returns a JSON body that must be an object. Raises `InvalidInput`."""
    if not isinstance(value, dict):
        raise InvalidInput.at("body", f"must be a JSON object, not {shown(value)}.")
    return value


def member(model: type[M], value: Any) -> M:
    """Returns the model of a part of a JSON body. Raises `InvalidInput` naming every wrong field in it."""
    return shaped(model, value)


def query(model: type[M], parameters: Mapping[str, str | list[str]]) -> M:
    """Returns the model of query parameters. Raises `InvalidInput` naming every wrong one."""
    plain = {name: value for name, value in parameters.items() if isinstance(value, str)}
    faults = [FieldError(name, "is given more than once; give it once.") for name in parameters.keys() - plain]
    faults += [FieldError(name, message) for name, value in plain.items() if (message := bad_text(value))]
    if faults:
        raise InvalidInput(*faults)
    return shaped(model, plain)
