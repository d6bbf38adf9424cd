"""Kinds of task of one's own: the registered function is called with its parameters, its answer is the result."""

from __future__ import annotations

import json

from core.errors import AttemptError, PermanentFailure
from services.abort import Scope
from services.executing import Failed, Result, Succeeded, Work
from services.system import System
from services.task_types import registry
from services.task_types.registry import Task


def perform(_system: System, work: Work, scope: Scope) -> Result:
    """Call the function that is registered for the task type. Raises `Aborted` when the scope is told to stop."""
    task_type = registry.find(work.task_type)
    if task_type is None or task_type.perform is None:
        return Failed(
            PermanentFailure(f"The task type {work.task_type!r} is not registered here; name its module in TASK_TYPES.")
        )
    parameters = task_type.parameters.model_validate(work.data or {})
    try:
        result = task_type.perform(Task(work.run_id, work.attempt, parameters, scope))
    except AttemptError as error:
        scope.raise_if_aborted()
        return Failed(error)
    scope.raise_if_aborted()
    return Succeeded(None, json.dumps(result), result=result)
