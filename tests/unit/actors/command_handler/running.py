"""One attempt at a command."""

from __future__ import annotations

from dataclasses import replace
from typing import Any
from uuid import uuid4

from actors.handlers import command
from core.retry import RetryPolicy
from core.trace_context import TraceContext
from services.execution.work import Failed, Result, Succeeded, Work
from services.runtime.abort_scope import AbortScope
from services.task_types.targets import Target
from tests.factories import NOON, given_system

ALLOWED = "echo, cat, sh, env, yes, id, /bin/echo, no-such-program, /etc/passwd, python3"


def work(data: Any, time_limit_seconds: float = 30) -> Work:
    return Work(
        run_id=uuid4(),
        job_id=uuid4(),
        attempt=1,
        fence=1,
        scheduled_for=NOON,
        task_type="run_command",
        target=Target(None),
        board_id=None,
        data=data,
        policy=RetryPolicy(max_retries=0, base_seconds=1),
        time_limit_seconds=time_limit_seconds,
        polling_state=None,
        polling_version=0,
        claimed_monotonic=0,
        report_token="",
        app_id=uuid4(),
    )


def perform(data: Any, scope: AbortScope | None = None, **settings: Any) -> Result:
    system = given_system(**{"commands_allowed": ALLOWED, "commands_env_allowed": "GREETING", **settings})
    return command.perform(system, work(data), scope or AbortScope())


def result_in_trace(trace: TraceContext, *argv: str, **env: str) -> dict[str, Any]:
    """What a command leaves whose run is part of a trace."""
    one = replace(work({"argv": list(argv), "env": env}), carried=trace)
    system = given_system(commands_allowed=ALLOWED, commands_env_allowed=",".join(env))
    result = command.perform(system, one, AbortScope())
    assert isinstance(result, Succeeded), result
    return dict(result.result)


def result_of(*argv: str, **parameters: Any) -> dict[str, Any]:
    """What a command leaves that goes well."""
    result = perform({"argv": list(argv), **parameters})
    assert isinstance(result, Succeeded), result
    return dict(result.result)


def failure_of(*argv: str, **settings: Any) -> Failed:
    """How a command fails."""
    result = perform({"argv": list(argv)}, **settings)
    assert isinstance(result, Failed), result
    return result
