"""Schedules: preview one."""

from __future__ import annotations

from falcon.asgi import Request, Response

from api import answers, bodies, validation
from api.openapi import documented
from api.operations import Required
from api.schemas.schedules import Preview
from api.schemas.shown_schedules import Occurrences, PreviewedOccurrence
from api.threads import Threads
from core.scopes import Scope
from services.system import System


class Previews:
    """`/api/schedules/preview`."""

    def __init__(self, system: System, threads: Threads) -> None:
        self._system = system
        self._threads = threads

    @documented(
        "previewSchedule", "schedules", {200: Occurrences}, access=Required.ACCOUNT, scope=Scope.READ, body=Preview
    )
    async def on_post(self, req: Request, resp: Response) -> None:
        """Preview a schedule: its next occurrences, and the schedule in words."""
        body = await bodies.read(req, self._system.settings.max_body_bytes)
        answers.send(resp, await self._threads.run(self._preview, body))

    def _preview(self, body: bytes) -> Occurrences:
        asked = validation.body(Preview, bodies.parse(body))
        schedule = asked.schedule.parsed()
        after = asked.after or self._system.clock.now()
        found = schedule.previewed(after, asked.count)
        return Occurrences(
            next=[one.scheduled_for for one in found],
            occurrences=[PreviewedOccurrence.model_validate(one) for one in found],
            description=schedule.describe(),
        )
