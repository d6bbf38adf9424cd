"""Perform custom tasks: call the registered function with its parameters; its return value is the result.

A function that has returned has done its work, whatever it returned: a bad return value causes no retry.
"""

from __future__ import annotations

import inspect
from typing import Any

import structlog
from pydantic import ValidationError

from core import json_text, storable
from core.errors import Aborted, AttemptError, PermanentFailure, TransientFailure
from services.execution.careful_recording import NOT_WHOLE
from services.execution.work import Failed, Result, Succeeded, Work
from services.runtime.abort_scope import AbortScope
from services.scheduling.run_endings import LONGEST_RESULT
from services.system import System
from services.task_types import registry
from services.task_types.registry import Task, TaskType
from services.task_types.validation_messages import first_fault

_TOO_LONG = (
    f"The result is longer than {LONGEST_RESULT} bytes of JSON and was not kept; store it elsewhere, and return "
    "where it is."
)
log = structlog.get_logger()


def perform(_system: System, work: Work, scope: AbortScope) -> Result:
    """Call the function that is registered for the task type. Raises `Aborted` when the scope is aborted."""
    task_type = registry.find(work.task_type)
    if task_type is None or task_type.perform is None:
        return Failed(
            PermanentFailure(f"The task type {work.task_type!r} is not registered here; name its module in TASK_TYPES.")
        )
    try:
        headers = {} if work.carried is None else work.carried.headers
        scope.raise_if_aborted()
        made = task_type.perform(Task(work.run_id, work.attempt, _parameters(task_type, work), scope, headers))
    except Aborted:
        raise
    except BaseException as error:  # noqa: BLE001  a custom task may raise anything
        scope.raise_if_aborted()
        return Failed(_failure(error))
    scope.raise_if_aborted()
    if inspect.isawaitable(made) or inspect.isgenerator(made):
        return Failed(_not_begun(task_type, made))
    return _done(made)


def _done(made: Any) -> Succeeded:
    kept = storable.json_value(made)
    answer = json_text.compact(kept.value)
    if len(answer) > LONGEST_RESULT:
        return Succeeded(None, "", note=_TOO_LONG)
    return Succeeded(None, answer.decode(), result=kept.value, note=None if kept.is_whole else NOT_WHOLE)


def _not_begun(task_type: TaskType, made: Any) -> PermanentFailure:
    if inspect.iscoroutine(made):
        made.close()
    return PermanentFailure(
        f"The function of the task type {task_type.key!r} returned a {type(made).__name__}, so nothing was done; "
        "register a plain function that does the work."
    )


def _failure(error: BaseException) -> AttemptError:
    if isinstance(error, AttemptError):
        return error
    log.error("task_broke", exc_info=error)
    return TransientFailure(f"The task broke: {storable.text(error)}")


def _parameters(task_type: TaskType, work: Work) -> Any:
    try:
        return task_type.parameters.model_validate(work.data or {})
    except ValidationError as error:
        path, message = first_fault(error, "data")
        raise PermanentFailure(f"{path} does not fit the task type {task_type.key!r}: {message}.") from None
