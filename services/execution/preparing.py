"""Prepare attempts: what they need besides the rows of their run and its job, and what may fail for one run alone."""

from __future__ import annotations

from typing import Any, NamedTuple

import structlog

from core import trace_context
from core.retry import RetryPolicy
from core.trace_context import TraceContext
from models.hot.rows import ExecutedJob, StartedRun
from services.execution import retry_policy
from services.runtime import spans
from services.system import System
from services.task_types import registry, targets
from services.task_types.targets import Target

log = structlog.get_logger()


class Prepared(NamedTuple):
    """What an attempt needs; or `fault`, which it fails with at once."""

    policy: RetryPolicy
    target: Target
    time_limit_seconds: float
    trace: TraceContext | None = None
    job_trace: TraceContext | None = None
    carried: TraceContext | None = None
    fault: str | None = None


def prepare(system: System, run: StartedRun, job: ExecutedJob, data: Any) -> Prepared:
    """Returns what an attempt at a run just claimed needs; never raises for what a run or its job holds.

    An attempt that cannot be prepared fails like any other: it is retried and shown, and stops no other run's claim.
    """
    policy = retry_policy.policy(system, job)
    try:
        trace = trace_context.read(run.trace)
        return Prepared(
            policy,
            targets.of_job(system.settings, job, data),
            job.time_limit_seconds or registry.time_limit(system.settings, job.task_type),
            trace,
            trace_context.read(run.job_trace),
            spans.next_in(trace),
        )
    except Exception as error:
        log.exception("run_not_prepared", run_id=str(run.id), attempt=run.attempt_count)
        fault = f"Carillon could not prepare this run: {type(error).__name__}; its log says more (run_not_prepared)."
        return Prepared(policy, Target(None), system.settings.callback_time_limit_seconds, fault=fault)
