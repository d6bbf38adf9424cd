"""The pages that lead to each other: at the head of each page, and at its foot."""

from __future__ import annotations

from typing import NamedTuple


class Page(NamedTuple):
    """A page of the navigation; `g` and its key lead there."""

    name: str
    path: str
    label: str
    key: str


PAGES = (
    Page("overview", "/dashboard/", "Overview", "o"),
    Page("jobs", "/dashboard/jobs", "Jobs", "j"),
    Page("runs", "/dashboard/runs", "Runs", "r"),
    Page("failures", "/dashboard/failures", "Failures", "f"),
    Page("upcoming", "/dashboard/upcoming", "Upcoming", "u"),
    Page("queues", "/dashboard/queues", "Queues", "q"),
    Page("limits", "/dashboard/limits", "Limits", "l"),
    Page("accounts", "/dashboard/accounts", "Accounts", "c"),
    Page("workers", "/dashboard/workers", "Workers", "w"),
    Page("apps", "/dashboard/apps", "Apps", "p"),
    Page("people", "/dashboard/people", "People", "e"),
    Page("audit", "/dashboard/audit", "Audit", "a"),
    Page("new", "/dashboard/new", "New job", "n"),
)
"""The pages of the navigation, of which each reader is shown those that they may load."""

MORE_PAGES = (
    Page("settings", "/dashboard/settings", "Settings", "s"),
    Page("outbox", "/dashboard/outbox", "Outbox", "x"),
)
"""Pages that are seldom looked at, at the foot of each page."""
