"""The three ways to pause, each with the way back."""

from __future__ import annotations

from collections.abc import Callable
from uuid import UUID

from core.principals import LOCAL, Principal
from services.jobs import lifecycle
from services.scheduling import pauses
from services.system import System

Switch = Callable[[System, UUID], None]


def job(change: Callable[[Principal, System, UUID], None]) -> Switch:
    return lambda system, job_id: change(LOCAL, system, job_id)


def app(change: Callable[[Principal, System, str], None]) -> Switch:
    return lambda system, _job_id: change(LOCAL, system, "app_a")


def everything(change: Callable[[Principal, System], None]) -> Switch:
    return lambda system, _job_id: change(LOCAL, system)


PAUSES: dict[str, tuple[Switch, Switch]] = {
    "job": (job(lifecycle.pause), job(lifecycle.resume)),
    "app": (app(pauses.pause_app), app(pauses.resume_app)),
    "everything": (everything(pauses.pause_everything), everything(pauses.resume_everything)),
}
