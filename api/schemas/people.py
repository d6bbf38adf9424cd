"""Users as administrators see and change them."""

from __future__ import annotations

from datetime import datetime
from typing import Annotated

from pydantic import Field

from api.schemas.me import RoleInApp
from api.schemas.paging import Filter, Query
from api.schemas.values import Given, Shown
from services.access.people import Change

MAX_PEOPLE = 200


class PeopleQuery(Query):
    """Which users to return: those with a text in their name or address, by name, after one of them."""

    search: Filter | None = None
    after: Filter | None = None
    limit: Annotated[int, Field(ge=1, le=MAX_PEOPLE)] = 50


class Person(Shown):
    """A user. `is_named`: an administrator by ADMIN_USERNAMES. `seen_at` is null where no token or session tells it."""

    username: str
    email: str
    is_admin: bool
    is_named: bool
    has_password: bool
    created_at: datetime
    seen_at: datetime | None
    disabled_at: datetime | None
    apps: list[RoleInApp]


class People(Shown):
    """A page of users, by name; `more` if others follow: ask for those `after` the last."""

    more: bool
    results: list[Person]


class ChangedPerson(Given):
    """What to change of a user; what is left out stays."""

    disabled: bool | None = None
    administrator: bool | None = None

    def change(self) -> Change:
        """Returns this as the services take it."""
        return Change(self.disabled, self.administrator)


class OfferedReset(Shown):
    """A link by which the user sets a new password, within half an hour; it is shown only once, and opens once."""

    link: str
