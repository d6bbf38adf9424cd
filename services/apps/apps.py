"""Read, make, change and delete apps."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import asdict, replace
from datetime import datetime
from uuid import UUID

from core import built_in_apps, etags, json_text, masking, names
from core.auditing import Thing, differences
from core.errors import Conflict, Forbidden, InvalidInput
from core.etags import Expected
from core.listing import MAX_BYTES_IN_PAGE, count_that_fits
from core.principals import Principal
from core.scopes import Role, Scope
from models import apps, database, members
from models.pauses import Gate
from models.tables import App
from services.access import visible_apps
from services.apps import app_views, apps_per_user
from services.apps.app_views import AppDefinition, AppView, Policies, Request, TaskTypePolicy
from services.messaging.unit_of_work import UnitOfWork
from services.reading.views import view_of
from services.runtime import slow_checks
from services.secrets import signing
from services.system import System
from services.task_types import request_masks


def get(principal: Principal, name: str) -> AppView:
    """Returns the app of this name. Raises `NotFound` if there is none or the principal is no member."""
    with database.reading():
        return app_views.view(visible_apps.found(principal, name))


def ensure(principal: Principal, system: System, name: str) -> None:
    """Create the app with this name if it does not exist: a built-in one, for its first job."""
    with system.transaction(Gate.UNUSED) as unit:
        get_or_create(principal, unit, name)


def get_or_create(principal: Principal, unit: UnitOfWork, name: str) -> App:
    """Returns the app of this name; creates and audits it in this transaction if there is none, for its first job."""
    app = apps.by_name(name)
    if app is None and (app := apps.insert(name, unit.now)) is not None:
        unit.audit(principal, "app.created", Thing.app(app), after=app_views.recorded(app_views.view(app)))
    return app or apps.by_names([name])[name]


def listed(principal: Principal, after: UUID | None, limit: int) -> tuple[list[AppView], bool]:
    """Returns the apps that the principal may see, newest first, and whether more follow.

    The list ends early where the apps' task types have more bytes than a page has room for.
    """
    with database.reading():
        found = _page(principal, after, limit + 1)
        sizes = apps.task_types_octets([app.id for app in found[:limit]])
        shown = found[: count_that_fits((sizes.get(app.id, 0) for app in found[:limit]), MAX_BYTES_IN_PAGE)]
        types = apps.task_types_by_app([app.id for app in shown])
        return app_views.views(shown, types), len(found) > len(shown)


def listed_without_task_types(principal: Principal, limit: int) -> tuple[list[AppView], bool]:
    """Returns the newest apps as `listed` does, but without their task types, so that all fit that `limit` allows."""
    with database.reading():
        found = _page(principal, None, limit + 1)
        return app_views.views(found[:limit], {}), len(found) > limit


def _page(principal: Principal, after: UUID | None, limit: int) -> list[App]:
    principal.expect_scope(Scope.READ)
    return apps.page(principal.app_ids(Scope.READ), after, limit)


def create(principal: Principal, system: System, name: str, wanted: AppDefinition) -> AppView:
    """Create an app; the user who creates it owns it.

    Raises `InvalidInput` if the name is taken, `Forbidden` for keys, `Conflict` if the user has made too many.
    """
    principal.expect_scope(Scope.APP)
    if principal.key_id is not None:
        raise Forbidden("A key is for one app only; users create apps, with a token of theirs.")
    with system.transaction(Gate.UNUSED) as unit:
        apps_per_user.refuse_more(principal, system)
        app = None if _is_kept(principal, system, name) else apps.insert(name, unit.now, principal.user_id)
        if app is None:
            raise InvalidInput.at("name", f"is {name!r}, which is the name of an app already; take another.")
        if principal.user_id is not None:
            members.put(app, principal.user_id, Role.OWNER, unit.now)
        signing.make_first(system, app.id)
        view = _redefined(system, app, wanted, unit.now)
        unit.audit(principal, "app.created", Thing.app(app), after=app_views.recorded(view))
        return view


def _is_kept(principal: Principal, system: System, name: str) -> bool:
    """Whether a name is reserved: that of a shared app, or of one in which groups of the identity provider get roles.

    Only administrators may create the latter: otherwise any user could take the name and get the groups as members.
    """
    of_groups = map(names.folded, system.settings.oidc_groups.apps)
    return name in built_in_apps.NAMES or (not principal.sees_all and names.folded(name) in of_groups)


def put(
    principal: Principal,
    system: System,
    name: str,
    callback_base_url: str | None,
    task_types: Mapping[str, TaskTypePolicy],
    *,
    destination_breaker: bool | None = None,
    expected: Expected = None,
) -> tuple[AppView, bool]:
    """Create or replace an app; only administrators may create one here. Returns it, and whether it is new.

    Raises `NotFound` and `Forbidden` as `visible_apps.found` does, and `PreconditionFailed` as `etags.expect`.
    """
    with system.transaction(Gate.UNUSED) as unit:
        may_be_new = principal.sees_all and apps.by_name(name) is None
        created = apps.insert(name, unit.now) if may_be_new else None  # None, too, if another was faster
        is_new, app = created is not None, created or visible_apps.locked(principal, name, Scope.APP)
        if is_new:
            signing.make_first(system, app.id)
        former = None if is_new else app_views.view(app)
        etags.expect(f"app {name}", None if former is None else former.etag, expected)
        view = _redefined(system, app, AppDefinition(callback_base_url, task_types, destination_breaker), unit.now)
        _audit(principal, unit, app, former, view)
        return view, is_new


@slow_checks.before_transaction
def amend(
    principal: Principal,
    system: System,
    name: str,
    change: Callable[[AppView], AppDefinition],
    expected: Expected = None,
) -> AppView:
    """Change an app to what `change` returns for its view. Raises as `put` does.

    `change` is called again after each slow check that it needs (`slow_checks`), with the app as it is then.
    """
    with system.transaction(Gate.UNUSED) as unit:
        app = visible_apps.locked(principal, name, Scope.APP)
        former = app_views.view(app)
        etags.expect(f"app {app.name}", former.etag, expected)
        view = _redefined(system, app, change(former), unit.now)
        _audit(principal, unit, app, former, view)
        return view


def delete(
    principal: Principal, system: System, name: str, reason: str | None = None, expected: Expected = None
) -> None:
    """Delete an app that has no jobs, with its members and keys.

    Raises `Conflict` if it has any, or is shared, and `PreconditionFailed` as `put` does.
    """
    with system.transaction(Gate.UNUSED) as unit:
        app = visible_apps.locked(principal, name, Scope.APP)
        former = app_views.view(app)
        etags.expect(f"app {app.name}", former.etag, expected)
        if app.name in built_in_apps.NAMES:
            raise Conflict(f"The app {app.name} is shared by all users and stays.")
        if not apps.delete_if_empty(app):
            raise Conflict(
                f"The app {app.name} has jobs. Delete them, and wait until the history of deleted ones is no longer "
                f"kept (KEEP_HISTORY_DAYS={system.settings.keep_history_days:g})."
            )
        unit.audit(principal, "app.deleted", Thing.app(app), before=app_views.recorded(former), reason=reason)


def _redefined(system: System, app: App, wanted: AppDefinition, now: datetime) -> AppView:
    if wanted.destination_breaker and app.name in built_in_apps.NAMES:
        raise InvalidInput.at(
            "destination_breaker", f"is for apps of one tenant; all users share {app.name}, so leave it out."
        )
    apps.redefine(app, wanted.callback_base_url, wanted.destination_breaker, now)
    stored = {row.name: view_of(TaskTypePolicy, row) for row in apps.task_types(app)}
    policies = {
        name: replace(policy, request=_unmasked(name, policy.request, stored.get(name, TaskTypePolicy()).request))
        for name, policy in wanted.task_types.items()
    }
    _refuse_growth(stored, policies, system.settings.max_body_bytes)
    apps.replace_task_types(app, [{"name": name, **asdict(policy)} for name, policy in policies.items()])
    [app] = apps.by_names([app.name]).values()
    return app_views.view(app)


def _refuse_growth(before: Policies, wanted: Policies, most: int) -> None:
    """Raise `InvalidInput` if an edit makes all task types larger than a body may be, as a series of edits could.

    What was already larger, by an earlier setting, may stay as large.
    """
    size = _size(wanted)
    if size > most and size > _size(before):
        raise InvalidInput.at(
            "task_types", f"would take {size} bytes, more than MAX_BODY_BYTES={most}; remove something first."
        )


def _size(policies: Policies) -> int:
    """Returns the size of task types as a body has them, which leaves out what is not given."""
    given = {name: asdict(policy).items() for name, policy in policies.items()}
    return json_text.size({name: {key: one for key, one in items if one is not None} for name, items in given.items()})


def _unmasked(task_type: str, request: Request | None, stored: Request | None) -> Request | None:
    """Returns a request in which what is shown masked is replaced by what is stored. Raises `InvalidInput`."""
    restored = request_masks.restored(request, stored, f"task_types.{task_type}.request")
    for name, value in (restored or {}).get("headers", {}).items():
        if masking.is_mask(name, value):
            raise InvalidInput.at(f"task_types.{task_type}.request.headers.{name}", masking.fault_of_mask(name))
    if restored is not None and (fault := masking.fault_of_address(str(restored.get("url")))):
        raise InvalidInput.at(f"task_types.{task_type}.request.url", fault)
    return restored


def _audit(principal: Principal, unit: UnitOfWork, app: App, former: AppView | None, view: AppView) -> None:
    if former is None:
        unit.audit(principal, "app.created", Thing.app(app), after=app_views.recorded(view))
        return
    before, after = differences(app_views.recorded(former), app_views.recorded(view))
    if before:
        unit.audit(principal, "app.changed", Thing.app(app), before=before, after=after)
