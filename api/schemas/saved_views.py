"""Saved views as callers write them and get them."""

from __future__ import annotations

from datetime import datetime
from typing import Annotated, Literal
from uuid import UUID

from pydantic import Field

from api import validation
from api.schemas.paging import JobsQuery, Query, RunsQuery
from api.schemas.values import Given, Shown
from core.errors import InvalidInput
from services.access.saved_views import ViewedList

LONGEST_NAME = 60
_NO_FILTERS = ("cursor", "page", "limit")
ListWord = Literal["jobs", "runs"]
_LISTS: dict[ViewedList, type[Query]] = {ViewedList.JOBS: JobsQuery, ViewedList.RUNS: RunsQuery}


class NewView(Given):
    """A filter of a list, as its query parameters, to be saved under a name."""

    list: ListWord
    name: Annotated[str, Field(min_length=1, max_length=LONGEST_NAME)]
    query: Annotated[dict[str, str], Field(min_length=1, max_length=20)]

    def checked(self) -> dict[str, str]:
        """Returns the filter. Raises `InvalidInput` for one that the list would refuse, and for a place in the list."""
        for name in _NO_FILTERS:
            if name in self.query:
                raise InvalidInput.at(f"query.{name}", "is a place in the list, and no filter; leave it out.")
        validation.query(_LISTS[ViewedList(self.list)], self.query)
        return self.query


class ViewsQuery(Query):
    """The list whose views to return; by default those of all lists."""

    list: ViewedList | None = None


class View(Shown):
    """A saved filter of a list: the query parameters of `GET /api/jobs` or `GET /api/runs`."""

    id: UUID
    list: ViewedList
    name: str
    query: dict[str, str]
    created_at: datetime


class Views(Shown):
    """The caller's saved views, by name."""

    results: list[View]
