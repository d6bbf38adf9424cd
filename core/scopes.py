"""Scopes: the four kinds of action. Members of an app get them by role, keys and tokens one by one."""

from __future__ import annotations

from enum import StrEnum


class Scope(StrEnum):
    """A kind of action on an app and its jobs."""

    READ = "read"  # look at jobs, runs, figures, the app
    OPERATE = "operate"  # pause, resume, trigger, retry, replay, cancel, backfill
    JOBS = "jobs"  # create, edit, delete jobs
    APP = "app"  # the app itself: address, task types, members, keys


ALL_SCOPES = frozenset(Scope)


class Role(StrEnum):
    """What a member may do in an app, from the lowest to the highest; each role includes the ones before it."""

    VIEWER = "viewer"
    OPERATOR = "operator"
    DEVELOPER = "developer"
    OWNER = "owner"

    @property
    def scopes(self) -> frozenset[Scope]:
        """The scopes that the role grants."""
        return _GRANTED[self]


_GRANTED = {role: frozenset(list(Scope)[: rank + 1]) for rank, role in enumerate(Role)}
