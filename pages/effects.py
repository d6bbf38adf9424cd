"""What actions that cannot be undone do to a job, said where they are offered."""

from __future__ import annotations

EFFECTS: dict[str, str] = {
    "cancel": (
        "Nothing of it runs again: runs that wait do not start, runs under way are stopped. "
        "The job, its runs and its log stay visible. This cannot be undone; a clone runs again."
    ),
    "delete": (
        "Nothing of it runs again: runs that wait do not start, but runs under way may finish, without a retry. "
        "The job and its runs disappear from all lists, and are pruned later. This cannot be undone."
    ),
}
