"""Kinds of task of one's own: the registered function is called with its parameters, its answer is the result."""

from __future__ import annotations

import json
from typing import Any

import structlog
from pydantic import ValidationError

from core import json_text
from core.errors import Aborted, AttemptError, PermanentFailure, TransientFailure
from services.abort import Scope
from services.executing import Failed, Result, Succeeded, Work
from services.settling import LONGEST_RESULT
from services.system import System
from services.task_types import registry
from services.task_types.registry import Task, TaskType

log = structlog.get_logger()


def perform(_system: System, work: Work, scope: Scope) -> Result:
    """Call the function that is registered for the task type. Raises `Aborted` when the scope is told to stop."""
    task_type = registry.find(work.task_type)
    if task_type is None or task_type.perform is None:
        return Failed(
            PermanentFailure(f"The task type {work.task_type!r} is not registered here; name its module in TASK_TYPES.")
        )
    try:
        made = task_type.perform(Task(work.run_id, work.attempt, _parameters(task_type, work), scope))
        answer = _as_json(made)
    except Aborted:
        raise
    except (Exception, SystemExit) as error:  # noqa: BLE001  a task of one's own may raise anything
        scope.raise_if_aborted()
        return Failed(_failure(error))
    scope.raise_if_aborted()
    return Succeeded(None, answer, result=made)


def _failure(error: BaseException) -> AttemptError:
    if isinstance(error, AttemptError):
        return error
    log.error("task_broke", exc_info=error)
    return TransientFailure(f"The task broke: {type(error).__name__}: {error}")


def _parameters(task_type: TaskType, work: Work) -> Any:
    try:
        return task_type.parameters.model_validate(work.data or {})
    except ValidationError as error:
        fault = error.errors(include_url=False, include_input=False)[0]
        path = ".".join(("data", *map(str, fault["loc"])))
        raise PermanentFailure(f"{path} does not fit the task type {task_type.key!r}: {fault['msg']}.") from None


def _as_json(made: Any) -> str:
    try:
        answer = json.dumps(made, allow_nan=False)
    except (TypeError, ValueError) as error:
        raise PermanentFailure(f"The task was done, but what it returned is no JSON: {error}.") from None
    if json_text.size(made) > LONGEST_RESULT:
        raise PermanentFailure(
            f"The task was done, but what it returned is longer than {LONGEST_RESULT} bytes of JSON; let it keep that "
            "elsewhere, and return where."
        )
    return answer
