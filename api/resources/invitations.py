"""Invitations to register: make, list, withdraw."""

from __future__ import annotations

from uuid import UUID

import falcon
from falcon.asgi import Request, Response

from api import access, answers, bodies, validation
from api.openapi import documented
from api.operations import Required
from api.schemas.accounts import Invitation, Invitations, MadeInvitation, NewInvitation
from api.threads import Threads
from core.principals import Principal
from core.scopes import Scope
from services.access import invitations
from services.system import System


class AllInvitations:
    """`/api/invitations`."""

    def __init__(self, system: System, threads: Threads) -> None:
        self._system = system
        self._threads = threads

    @documented(
        "listInvitations",
        "accounts",
        {200: Invitations},
        access=Required.ADMINISTRATION,
        scope=Scope.APP,
        problems=(403,),
    )
    async def on_get(self, req: Request, resp: Response) -> None:
        """List the invitations that were not used yet, newest first."""
        found = await self._threads.run(invitations.listed, access.principal(req), self._system)
        answers.send(resp, Invitations(results=[Invitation.model_validate(one) for one in found]))

    @documented(
        "createInvitation",
        "accounts",
        {201: MadeInvitation},
        access=Required.ADMINISTRATION,
        scope=Scope.APP,
        body=NewInvitation,
        problems=(403,),
    )
    async def on_post(self, req: Request, resp: Response) -> None:
        """Invite somebody to register: by a link that opens once, for a week; for a day, if as an administrator."""
        body = await bodies.read(req, self._system.settings.max_body_bytes)
        answers.send(resp, await self._threads.run(self._create, access.principal(req), body), status=201)

    def _create(self, principal: Principal, body: bytes) -> MadeInvitation:
        given = validation.body(NewInvitation, bodies.parse(body))
        link, view = invitations.create(principal, self._system, given.email, administrator=given.administrator)
        return MadeInvitation(**vars(view), link=link)


class OneInvitation:
    """`/api/invitations/{invitation_id}`."""

    def __init__(self, system: System, threads: Threads) -> None:
        self._system = system
        self._threads = threads

    @documented(
        "withdrawInvitation",
        "accounts",
        {204: None},
        access=Required.ADMINISTRATION,
        scope=Scope.APP,
        problems=(403, 404),
    )
    async def on_delete(self, req: Request, resp: Response, invitation_id: UUID) -> None:
        """Withdraw an invitation: its link opens nothing from then on."""
        await self._threads.run(invitations.withdraw, access.principal(req), self._system, invitation_id)
        resp.status = falcon.HTTP_NO_CONTENT
