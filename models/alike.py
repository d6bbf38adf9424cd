"""Changes that are alike go in one statement."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from typing import Any
from uuid import UUID


def alike(changes: Iterable[tuple[UUID, Mapping[str, Any]]]) -> Iterator[tuple[Mapping[str, Any], list[UUID]]]:
    """Each distinct change, and the ids it is for."""
    groups: dict[str, tuple[Mapping[str, Any], list[UUID]]] = {}
    for row_id, change in changes:
        groups.setdefault(repr(sorted(change.items())), (change, []))[1].append(row_id)
    yield from groups.values()
