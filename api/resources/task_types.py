"""The kinds of task that work here."""

from __future__ import annotations

from falcon.asgi import Request, Response

from api import answers
from api.openapi import documented
from api.operations import Required
from api.schemas.task_types import KindsOfTask, shown
from core.scopes import Scope
from services.system import System
from services.task_types import registry


class TaskTypes:
    """`/api/jobs/types`."""

    def __init__(self, system: System) -> None:
        self._settings = system.settings

    @documented("listTaskTypes", "jobs", {200: KindsOfTask}, access=Required.ACCOUNT, scope=Scope.READ)
    async def on_get(self, _req: Request, resp: Response) -> None:
        """List the kinds of task that work here, each with the JSON Schema of its data."""
        answers.send(resp, KindsOfTask([shown(one) for one in registry.working(self._settings)]))
