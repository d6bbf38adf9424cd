"""Queries on the members of apps."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Collection, Iterable
from datetime import datetime
from uuid import UUID

from core.scopes import Role
from models.set_based import chunks
from models.tables import App, AppMember, User


def of_user(user_id: UUID) -> list[tuple[UUID, str, Role]]:
    """Returns the id and name of each app that a user is a member of, and their role there, by name."""
    return memberships([user_id])[user_id]


def of_app(app: App) -> list[AppMember]:
    """Returns an app's members, with their users, by name."""
    query = AppMember.select(AppMember, User).join(User).where(AppMember.app == app.id)
    return list(query.order_by(User.username_key))


def one(app: App, user: User) -> AppMember | None:
    """Returns a user's membership of an app."""
    return AppMember.get_or_none(AppMember.app == app.id, AppMember.user == user.id)


def owner_ids(app: App) -> set[UUID]:
    """Returns the ids of the users who own an app."""
    query = AppMember.select(AppMember.user).where(AppMember.app == app.id, AppMember.role == Role.OWNER)
    return {member.user_id for member in query}


def put(app: App, user_id: UUID, role: Role, now: datetime) -> None:
    """Store a user's role in an app, in place of the one they had."""
    AppMember.insert(app=app.id, user=user_id, role=role, created_at=now).on_conflict(
        conflict_target=[AppMember.app, AppMember.user], update={AppMember.role: role}
    ).execute()


def remove(app: App, user: User) -> None:
    """Delete a user's membership of an app."""
    AppMember.delete().where(AppMember.app == app.id, AppMember.user == user.id).execute()


def of_users(user_ids: Collection[UUID]) -> dict[UUID, list[tuple[str, Role]]]:
    """Returns the names of the apps that users are members of, with their roles there, by name."""
    found: dict[UUID, list[tuple[str, Role]]] = {user_id: [] for user_id in user_ids}
    query = AppMember.select(AppMember, App.name).join(App).where(AppMember.user.in_(list(user_ids)))
    for member in query.order_by(App.name):
        found[member.user_id].append((member.app.name, member.role))
    return found


def memberships(user_ids: Iterable[UUID]) -> dict[UUID, list[tuple[UUID, str, Role]]]:
    """Returns what `of_user` returns, for each of these users."""
    found: dict[UUID, list[tuple[UUID, str, Role]]] = defaultdict(list)
    for chunk in chunks(user_ids):
        query = AppMember.select(AppMember, App.id, App.name).join(App).where(AppMember.user.in_(chunk))
        for member in query.order_by(App.name):
            found[member.user_id].append((member.app_id, member.app.name, member.role))
    return found


def of_apps(app_ids: Collection[UUID]) -> dict[UUID, list[AppMember]]:
    """Returns the members of apps, with their users, by name."""
    found: dict[UUID, list[AppMember]] = {app_id: [] for app_id in app_ids}
    query = AppMember.select(AppMember, User).join(User).where(AppMember.app.in_(list(app_ids)))
    for member in query.order_by(User.username_key):
        found[member.app_id].append(member)
    return found
