"""Where the audit log leads: from an entry to its thing and to who made it, where the reader may look; and back."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from urllib.parse import quote, urlencode, urlsplit

from core.principals import PrincipalKind
from pages import naming
from pages.page_request import Asked
from services.access.audit import AuditView

PATH = "/dashboard/audit"
_PEOPLE = "/dashboard/people"
Find = Callable[[AuditView], str | None]
"""Finds the page that shows what an entry is about."""


def entries_of(**wanted: str) -> str:
    """Returns the path of the entries that fit this filter."""
    return f"{PATH}?{urlencode(wanted)}"


@dataclass(frozen=True)
class EntryLinks:
    """The paths to which entries lead a reader; `is_open` says whether the reader may load a page of the navigation."""

    reader: Asked
    is_open: Callable[[str], bool]

    def of_thing(self, entry: AuditView) -> str | None:
        """Returns where the thing that was changed is shown, or was; None if nowhere, or not to the reader."""
        if entry.thing == "token" and not self._made(entry):
            return None  # somebody else's, which is shown to them alone
        find = _PAGES.get(entry.thing)
        return find and self._if_open(find(entry))

    def of_principal(self, entry: AuditView) -> str | None:
        """Returns where who made the change is shown: a user, or the key of an app."""
        find = _PRINCIPALS.get(entry.kind)
        return find and self._if_open(find(entry))

    def _if_open(self, path: str | None) -> str | None:
        return path if path is not None and self.is_open(_list_above(path)) else None

    def _made(self, entry: AuditView) -> bool:
        is_user = self.reader.is_user and entry.kind is PrincipalKind.USER
        return is_user and entry.principal == self.reader.principal.name


def _list_above(path: str) -> str:
    """Returns the page of the navigation under which a page is: `/dashboard/jobs` of a job's."""
    return "/".join(urlsplit(path).path.split("/")[:3])


def _person(username: str) -> str:
    return f"{_PEOPLE}?{urlencode({'search': username})}"


def _app(name: str) -> str:
    return f"/dashboard/apps/{quote(name, safe='')}"


def _part_of_app(part: str) -> Find:
    """Returns how to find a part of the page of an entry's app, which has none once it is gone."""
    return lambda entry: None if entry.app_name is None else f"{_app(entry.app_name)}#{part}"


_PAGES: Mapping[str, Find] = {
    "job": lambda entry: f"/dashboard/jobs/{entry.thing_id}",
    "run": lambda entry: f"/dashboard/runs/{entry.thing_id}",
    "app": lambda entry: _app(entry.thing_id),
    "limit": lambda entry: naming.key_path(entry.thing_id),
    "breaker": lambda entry: naming.key_path(entry.thing_id),
    "key": _part_of_app("keys"),
    "member": _part_of_app("members"),
    "secret": _part_of_app("secrets"),
    "signing_secret": _part_of_app("signing"),
    "user": lambda entry: _person(entry.thing_id),
    "invitation": lambda _entry: f"{_PEOPLE}#invitations",
    "worker": lambda entry: f"/dashboard/workers#worker-{entry.thing_id}",
    "installation": lambda _entry: "/dashboard/queues",
    "token": lambda _entry: "/dashboard/mine",
}
"""Where each kind of thing is shown."""

_PRINCIPALS: Mapping[str, Find] = {
    PrincipalKind.USER: lambda entry: _person(entry.principal),
    PrincipalKind.KEY: _part_of_app("keys"),
}
"""Where each kind of principal is shown."""
