"""Apps: where to call back, and how their task types are retried."""

from __future__ import annotations

from dataclasses import replace
from typing import Any
from urllib.parse import quote

import falcon
from falcon.asgi import Request, Response

from api import access, answers, bodies, edit_bodies, lists, preconditions, read_only, reasons, validation
from api.answers import Answer
from api.lists import Listed
from api.openapi import documented
from api.operations import Required
from api.preconditions import IfMatchTagHeader
from api.schemas.apps import App, AppPage, AppPatch, BoundedTaskTypes, NamedApp, NewApp, NewNamedApp, WholeApp
from api.schemas.audit import ReasonQuery
from api.schemas.paging import AppsQuery
from api.threads import Threads
from core import merge_patch
from core.errors import InvalidInput, NotFound
from core.etags import Expected
from core.listing import NEWEST_FIRST, Mark
from core.principals import Principal
from core.scopes import Scope
from services.apps import apps
from services.apps.app_views import AppDefinition, AppView, Policies
from services.runtime import slow_checks
from services.system import System


class AllApps:
    """`/api/apps`."""

    def __init__(self, system: System, threads: Threads) -> None:
        self._system = system
        self._threads = threads

    @documented("listApps", "apps", {200: AppPage}, access=Required.ACCOUNT, scope=Scope.READ, query=AppsQuery)
    async def on_get(self, req: Request, resp: Response) -> None:
        """List the apps that the caller is a member of, newest first; all of them for administrators."""
        lists.send(resp, await self._threads.run(self._list, req))

    @documented(
        "createApp",
        "apps",
        {201: App},
        access=Required.ACCOUNT,
        scope=Scope.APP,
        body=NewNamedApp,
        problems=(403, 409),
    )
    async def on_post(self, req: Request, resp: Response) -> None:
        """Create an app; the user who creates it becomes its owner."""
        body = await bodies.read(req, self._system.settings.max_body_bytes)
        answers.give(resp, await self._threads.run(self._create, access.principal(req), body))

    def _list(self, req: Request) -> Listed:
        query = validation.query(AppsQuery, req.params)
        found, more = apps.listed(access.principal(req), query.after_id(), query.limit)
        links = lists.by_cursor(req, query, Mark(found[-1].id) if more else None, NEWEST_FIRST)
        results = lists.readable(App.model_validate, found)
        return lists.listed(AppPage(next=links.get("next"), results=results), links)

    def _create(self, principal: Principal, body: bytes) -> Answer:
        new = validation.body(NewNamedApp, bodies.parse(body))
        view = apps.create(principal, self._system, new.name, new.definition())
        return answers.answer(App.model_validate(view), 201, location=f"/api/apps/{quote(view.name, safe='')}")


class OneApp:
    """`/api/apps/{name}`."""

    def __init__(self, system: System, threads: Threads) -> None:
        self._system = system
        self._threads = threads

    @documented("getApp", "apps", {200: App}, access=Required.APP, scope=Scope.READ, problems=(404,))
    async def on_get(self, req: Request, resp: Response, name: str) -> None:
        """Show an app; its ETag is that of its definition."""
        expect_name(name)
        _send(resp, await self._threads.run(apps.get, access.principal(req), name))

    @documented(
        "putApp",
        "apps",
        {200: App, 201: App},
        access=Required.APP,
        scope=Scope.APP,
        headers=IfMatchTagHeader,
        body=WholeApp,
        problems=(412,),
    )
    async def on_put(self, req: Request, resp: Response, name: str) -> None:
        """Create or replace an app; members that cannot be changed may be sent back as they are shown."""
        principal, most = access.principal(req), self._system.settings.max_body_bytes
        body = await edit_bodies.of(req, most, self._threads, lambda: _shown(principal, name))
        expected = preconditions.expected_etags(req)
        view, is_new = await self._threads.run(self._put, principal, name, body, expected)
        _send(resp, view, status=201 if is_new else 200)

    @documented(
        "patchApp",
        "apps",
        {200: App},
        access=Required.APP,
        scope=Scope.APP,
        headers=IfMatchTagHeader,
        body=AppPatch,
        problems=(403, 404, 412),
    )
    async def on_patch(self, req: Request, resp: Response, name: str) -> None:
        """Change an app by a merge patch."""
        expect_name(name)
        principal, most = access.principal(req), self._system.settings.max_body_bytes
        body = await edit_bodies.of(req, most, self._threads, lambda: _shown(principal, name), bodies.PATCHES)
        expected = preconditions.expected_etags(req)
        _send(resp, await self._threads.run(self._patch, principal, name, body, expected))

    @documented(
        "deleteApp",
        "apps",
        {204: None},
        access=Required.APP,
        scope=Scope.APP,
        headers=IfMatchTagHeader,
        query=ReasonQuery,
        problems=(403, 404, 409, 412),
    )
    async def on_delete(self, req: Request, resp: Response, name: str) -> None:
        """Delete an app that has no jobs, with its members and keys."""
        expect_name(name)
        expected, reason = preconditions.expected_etags(req), reasons.of(req)
        await self._threads.run(apps.delete, access.principal(req), self._system, name, reason, expected)
        resp.status = falcon.HTTP_NO_CONTENT

    def _patch(self, principal: Principal, name: str, body: bytes, expected: Expected) -> AppView:
        patch = validation.json_object(bodies.parse(body))
        return apps.amend(principal, self._system, name, lambda view: patched(view, patch), expected)

    def _put(self, principal: Principal, name: str, body: bytes, expected: Expected) -> tuple[AppView, bool]:
        _check_name(name)
        value, shown = validation.json_object(bodies.parse(body)), _shown(principal, name)
        if shown is not None:
            value = read_only.without_read_only(value, shown.model_dump(mode="json"), NewApp.model_fields, "app")
        new = validation.body(NewApp, value)
        wanted = new.definition()
        return apps.put(
            principal,
            self._system,
            name,
            wanted.callback_base_url,
            wanted.task_types,
            destination_breaker=wanted.destination_breaker,
            expected=expected,
        )


def _send(resp: Response, view: AppView, status: int = 200) -> None:
    """Answer with an app and its ETag."""
    preconditions.set_etag(resp, view.etag)
    answers.send(resp, App.model_validate(view), status=status)


def patched(view: AppView, patch: Any) -> AppDefinition:
    """Returns an app's definition with a merge patch applied. Raises `InvalidInput`.

    Task types that the patch does not name are not checked again, and the others by a slow check.
    """
    merged = merge_patch.merged(_as_given(view), patch)
    return _changed(merged, _not_named(view.task_types, patch.get("task_types", {})))


def with_task_type(view: AppView, name: str, given: dict[str, Any] | None) -> AppDefinition:
    """Returns an app's definition with this task type in place of the one of its name; without it, if none is given.

    The others are not checked again, and this one by a slow check. Raises `InvalidInput`.
    """
    wanted = _as_given(view)
    kept = {other: one for other, one in view.task_types.items() if other != name}
    others = {other: wanted["task_types"][other] for other in kept}
    return _changed({**wanted, "task_types": others if given is None else {**others, name: given}}, kept)


def _as_given(view: AppView) -> dict[str, Any]:
    """Returns an app as a caller gives it to get one like this."""
    shown = App.model_validate(view).model_dump(mode="json")
    return {member: shown[member] for member in NewApp.model_fields}


def _changed(wanted: dict[str, Any], kept: Policies) -> AppDefinition:
    """Returns the definition of an app that is wanted, of whose task types those that are kept are not checked."""
    if kept:
        validation.body(BoundedTaskTypes, {"task_types": wanted["task_types"]})
        wanted["task_types"] = {name: one for name, one in wanted["task_types"].items() if name not in kept}
    changed = slow_checks.outcome("app", wanted, lambda: validation.body(NewApp, wanted)).definition()
    return replace(changed, task_types={**kept, **changed.task_types})


def _not_named(task_types: Policies, patch: Any) -> Policies:
    """Returns the task types that a patch of them leaves as they are; none if it replaces them all."""
    return {name: one for name, one in task_types.items() if name not in patch} if isinstance(patch, dict) else {}


def _shown(principal: Principal, name: str) -> App | None:
    """Returns the app as it is shown, if it exists."""
    try:
        return App.model_validate(apps.get(principal, name))
    except NotFound:
        return None


def expect_name(name: str) -> None:
    """Raise `NotFound` for a name that no app can have."""
    try:
        _check_name(name)
    except InvalidInput:
        raise NotFound("app", ascii(name)) from None


def _check_name(name: str) -> None:
    """Raise `InvalidInput` for a name that no app can have."""
    if message := bodies.bad_text(name):
        raise InvalidInput.at("name", message)
    validation.body(NamedApp, {"name": name})
