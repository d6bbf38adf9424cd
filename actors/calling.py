"""Perform a run that is one call: a callback of the application, or a request that the job or its app defines."""

from __future__ import annotations

from actors.handlers import callback, request
from services.execution.work import Result, Work
from services.runtime.abort_scope import Scope
from services.system import System
from services.task_types.http import KEY


def perform_call(system: System, work: Work, scope: Scope) -> Result:
    """Call the application back, or send the request that the job or its app defines.

    Raises `Aborted` when the scope is aborted.
    """
    is_request = work.request is not None or work.task_type == KEY
    return (request.perform if is_request else callback.perform)(system, work, scope)
