"""Users, as administrators manage them."""

from __future__ import annotations

from falcon.asgi import Request, Response

from api import access, answers, bodies, reasons, validation
from api.openapi import documented
from api.operations import Required
from api.schemas.accounts import EndedAccess
from api.schemas.audit import ReasonQuery
from api.schemas.people import ChangedPerson, OfferedReset, People, PeopleQuery, Person
from api.threads import Threads
from core.principals import Principal
from core.scopes import Scope
from services.access import ending_access, people
from services.access.people import PersonView
from services.system import System


class AllUsers:
    """`/api/users`."""

    def __init__(self, system: System, threads: Threads) -> None:
        self._system = system
        self._threads = threads

    @documented(
        "listUsers",
        "accounts",
        {200: People},
        access=Required.ADMINISTRATION,
        scope=Scope.APP,
        query=PeopleQuery,
        problems=(403,),
    )
    async def on_get(self, req: Request, resp: Response) -> None:
        """List the users by name, with their roles in apps and when they were last seen."""
        asked = validation.query(PeopleQuery, req.params)
        found, more = await self._threads.run(
            people.listed, access.principal(req), self._system, asked.search, asked.after, asked.limit
        )
        answers.send(resp, People(more=more, results=[Person.model_validate(one) for one in found]))


class OneUser:
    """`/api/users/{username}`."""

    def __init__(self, system: System, threads: Threads) -> None:
        self._system = system
        self._threads = threads

    @documented(
        "changeUser",
        "accounts",
        {200: Person},
        access=Required.ADMINISTRATION,
        scope=Scope.APP,
        query=ReasonQuery,
        body=ChangedPerson,
        problems=(403, 404, 409),
    )
    async def on_patch(self, req: Request, resp: Response, username: str) -> None:
        """Disable or enable a user, make them an administrator or take that back.

        A disabled user is logged out everywhere and cannot log in; their jobs run on, and keys of apps stay.
        """
        body = await bodies.read(req, self._system.settings.max_body_bytes)
        changed = await self._threads.run(self._change, access.principal(req), username, body, reasons.of(req))
        answers.send(resp, Person.model_validate(changed))

    def _change(self, principal: Principal, username: str, body: bytes, reason: str | None) -> PersonView:
        wanted = validation.body(ChangedPerson, bodies.parse(body)).change()
        return people.change(principal, self._system, username, wanted, reason)


class ResetOfUser:
    """`/api/users/{username}/reset`."""

    def __init__(self, system: System, threads: Threads) -> None:
        self._system = system
        self._threads = threads

    @documented(
        "offerReset",
        "accounts",
        {201: OfferedReset},
        access=Required.ADMINISTRATION,
        scope=Scope.APP,
        query=ReasonQuery,
        problems=(403, 404, 409),
    )
    async def on_post(self, req: Request, resp: Response, username: str) -> None:
        """Make a link by which a user sets a new password, for users whom no e-mail reaches. It is shown only once."""
        principal, reason = access.principal(req), reasons.of(req)
        link = await self._threads.run(people.reset, principal, self._system, username, reason)
        answers.send(resp, OfferedReset(link=link), status=201)


class TokensOfUser:
    """`/api/users/{username}/tokens`."""

    def __init__(self, system: System, threads: Threads) -> None:
        self._system = system
        self._threads = threads

    @documented(
        "endAccessOfUser",
        "accounts",
        {200: EndedAccess},
        access=Required.ADMINISTRATION,
        scope=Scope.APP,
        query=ReasonQuery,
        problems=(403, 404),
    )
    async def on_delete(self, req: Request, resp: Response, username: str) -> None:
        """End all tokens, sessions and links of a user, and take back their administration.

        Users named in ADMIN_USERNAMES stay administrators, and the user may log in again.
        """
        principal, reason = access.principal(req), reasons.of(req)
        ended = await self._threads.run(ending_access.end, principal, self._system, username, reason)
        answers.send(resp, EndedAccess(ended=ended))
