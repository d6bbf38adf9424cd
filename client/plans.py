"""Decides what applying a file would do, from its jobs and those of the server."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum
from typing import Any

from client.declared import DeclaredJob
from client.definitions import MARK, Change, Definition, changes, not_compared
from core.states import ENDED

Key = tuple[str, str]


class Action(StrEnum):
    """What to do with one job."""

    CREATE = "create"
    CHANGE = "change"
    REMOVE = "remove"
    KEEP = "keep"
    LEAVE = "leave"


@dataclass(frozen=True)
class Found:
    """A job as the server shows it, with its ETag."""

    shown: dict[str, Any]
    etag: str | None


@dataclass(frozen=True)
class Step:
    """What to do with one job, and why: the changes, or the reason to leave it alone."""

    action: Action
    app: str
    name: str
    found: Found | None = None
    definition: Definition | None = None
    changes: tuple[Change, ...] = ()
    reason: str | None = None

    @property
    def does_something(self) -> bool:
        return self.action not in (Action.KEEP, Action.LEAVE)


def plan(declared: Sequence[DeclaredJob], found: Mapping[Key, Found], marked: Iterable[Found]) -> list[Step]:
    """Returns the steps from the server's jobs to the declared ones.

    `marked` are the jobs to be removed unless they are declared: those of the file's apps that `apply` has made.
    """
    steps = [_step(job, found.get((job.app, job.name))) for job in declared]
    kept = {step.found.shown["id"] for step in steps if step.found is not None}  # under whatever spelling of its name
    return steps + [
        Step(Action.REMOVE, one.shown["app_name"], one.shown["name"], one)
        for one in marked
        if one.shown["id"] not in kept
    ]


def marked_definition(definition: Definition) -> Definition:
    """Returns a definition with the mark that `apply` made it."""
    tags = definition.get("tags") or []
    marked = [*tags, MARK] if isinstance(tags, list) and MARK not in tags else tags
    return {**definition, "tags": marked}


def _step(job: DeclaredJob, found: Found | None) -> Step:
    definition = marked_definition(job.definition)
    if found is None:
        return Step(Action.CREATE, job.app, job.name, definition=definition)
    if found.shown["status"] in ENDED:
        reason = f"it has ended ({found.shown['status']}); delete it, or give a new name, to have it run again"
        return Step(Action.LEAVE, job.app, job.name, found, reason=reason)
    differing = changes(found.shown, job.definition)
    if not differing:
        return Step(Action.KEEP, job.app, job.name, found, reason=_not_compared(job.definition))
    return Step(Action.CHANGE, job.app, job.name, found, definition, differing)


def _not_compared(definition: Definition) -> str | None:
    headers = ", ".join(not_compared(definition))
    if not headers:
        return None
    return f"not compared: {headers}, since the server does not show a secret that is given in plain"
