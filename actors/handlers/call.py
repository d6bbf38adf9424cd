"""Perform a run that is one call: a callback of the application, or a request that the job or its app defines."""

from __future__ import annotations

from actors.handlers import callback, request
from services.execution.work import Result, Work
from services.runtime.abort_scope import AbortScope
from services.system import System


def perform_call(system: System, work: Work, scope: AbortScope) -> Result:
    """Call the application back, or send the request that the job or its app defines.

    Raises `Aborted` when the scope is aborted.
    """
    return (callback.perform if work.target.is_callback else request.perform)(system, work, scope)
