"""What the groups of a user at an identity provider grant here: administration, and roles in apps."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import dataclass, field
from typing import Self

from core.scopes import Role

_ADMINISTRATOR = "administrator"
_RULE = "write group=administrator or group=app:role, separated by semicolons"


@dataclass(frozen=True)
class Granted:
    """What a user is granted: administration, and a role in each of these apps."""

    administrator: bool
    roles: Mapping[str, Role]


@dataclass(frozen=True)
class GroupRoles:
    """The table of groups: which make administrators, and which a role in an app."""

    administrators: frozenset[str] = frozenset()
    roles: tuple[tuple[str, str, Role], ...] = field(default=())

    @classmethod
    def parse(cls, text: str) -> Self:
        """Returns the table in the text of a setting. Raises `ValueError`, whose message is the rule."""
        administrators, roles = set(), []
        for line in filter(None, map(str.strip, text.split(";"))):
            group, _, granted = (part.strip() for part in line.rpartition("="))
            app, _, role = (part.strip() for part in granted.rpartition(":"))
            if group and granted == _ADMINISTRATOR:
                administrators.add(group)
            elif group and app and role in set(Role):
                roles.append((group, app, Role(role)))
            else:
                known = ", ".join(Role)
                raise ValueError(f"has {line!r}; {_RULE}. A role is one of {known}.")
        return cls(frozenset(administrators), tuple(roles))

    @property
    def apps(self) -> frozenset[str]:
        """Returns the apps whose roles the table gives."""
        return frozenset(app for _, app, _ in self.roles)

    @property
    def text(self) -> str:
        """Returns the table as the text of a setting."""
        administrators = [f"{group}={_ADMINISTRATOR}" for group in sorted(self.administrators)]
        return ";".join([*administrators, *(f"{group}={app}:{role.value}" for group, app, role in self.roles)])

    def granted(self, groups: Collection[str]) -> Granted:
        """Returns what a user of these groups is granted; of several roles in an app, the highest."""
        rank = list(Role)
        roles: dict[str, Role] = {}
        for group, app, role in self.roles:
            if group in groups:
                roles[app] = max(role, roles.get(app, role), key=rank.index)
        return Granted(not self.administrators.isdisjoint(groups), roles)
