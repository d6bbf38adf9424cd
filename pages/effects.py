"""What actions that cannot be undone do to a job or run, said where they are offered."""

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
    "replay_completed": "This run has completed: a replay does once more what it has done.",
    "replay_calls": "Its receiver is called again, under another idempotency key, and so takes it for new work.",
    "replay_many_completed": (
        "These runs have completed. Replays do again what they have done: the receivers are called once more, "
        "under other idempotency keys, and so take it for new work."
    ),
}
