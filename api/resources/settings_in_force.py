"""The settings in force, for administrators."""

from __future__ import annotations

from falcon.asgi import Request, Response

from api import access, answers
from api.openapi import documented
from api.operations import Required
from api.schemas.settings_in_force import Setting, SettingsInForce
from core.scopes import Scope
from services.reading.installation import settings_in_force
from services.system import System


class SettingsOfProcess:
    """`/api/settings`."""

    def __init__(self, system: System) -> None:
        self._system = system

    @documented(
        "listSettings", "installation", {200: SettingsInForce}, access=Required.ADMINISTRATION, scope=Scope.READ
    )
    async def on_get(self, req: Request, resp: Response) -> None:
        """List the settings in force in the process that answers, and where each came from; secrets are masked."""
        found = settings_in_force.listed(access.principal(req), self._system)
        answers.send(resp, SettingsInForce(results=[Setting.model_validate(one) for one in found]))
