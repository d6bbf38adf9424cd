"""The words on pages that stand in no template: of statuses, reasons, actions that are done, and refusals."""

from __future__ import annotations

from core import schedules
from core.policies import CatchUp, Overlap
from core.principals import PrincipalKind
from core.states import Hold, JobStatus, Outcome, RunStatus, Trigger
from pages import asked
from services.reading.configuration import Origin

STATUSES = [one.value for one in JobStatus]
"""What a job may show, as a filter offers it."""

RUN_STATUSES = [one.value for one in RunStatus]

HOLDS: dict[str | None, str] = {
    None: "for a free worker",
    Hold.PAUSED: "paused",
    Hold.OVERLAP: "for the run before it",
    Hold.RATE_LIMIT: "for a call that its rate allows",
    Hold.CONCURRENCY: "for a place among so many at once",
    Hold.DESTINATION: "for its receiver to answer again",
    Hold.RESTORED: "to be released: the database was taken back",
}

TRIGGERS: dict[str, str] = {
    Trigger.SCHEDULE: "by its schedule",
    Trigger.POLL: "poll",
    Trigger.MANUAL: "on request",
    Trigger.RETRY: "retry",
    Trigger.BACKFILL: "backfill",
}

PHASES: dict[str, str] = {
    "look_up": "look-up",
    "connect": "connect",
    "tls": "TLS",
    "send": "send",
    "wait": "first byte after",
    "receive": "answer in",
}
"""The phases of a call."""

OUTCOMES: dict[str | None, str] = {
    None: "under way",
    Outcome.SUCCEEDED: "succeeded",
    Outcome.FAILED: "failed",
    Outcome.LOST: "lost: its worker died or lost its lease",
    Outcome.RELEASED: "handed back, costs no retry",
}

SCHEDULES: dict[str, str] = {
    "immediate": "At once",
    "run_at": "At an instant",
    "delay_from_now": "After a delay",
    "cron": "By a cron expression",
    "interval": "At an interval",
    "polling": "Poll until done",
}

SCHEDULE_KINDS = tuple(schedules.KINDS)
"""What lists are filtered by; `SCHEDULES` only labels them."""

OVERLAPS: dict[str, str] = {
    Overlap.SKIP: "skip: an occurrence is left out while a run is still going",
    Overlap.ALLOW: "allow: runs may go side by side",
    Overlap.QUEUE_ONE: "queue_one: one waits for its turn",
    Overlap.CANCEL_PREVIOUS: "cancel_previous: the newer stops the older",
}

CATCH_UPS: dict[str, str] = {
    CatchUp.LATEST: "latest: the newest missed occurrence still runs",
    CatchUp.SKIP: "skip: what was missed stays missed",
    CatchUp.ALL: "all: every missed occurrence still runs",
}

ACTIONS_ON_JOBS: dict[str, str] = {
    "pause": "Pause",
    "resume": "Resume",
    "trigger": "Run now",
    "retry": "Retry",
    "cancel": "Cancel",
    "delete": "Delete",
}

ACTIONS_ON_RUNS: dict[str, str] = {"replay": "Replay", "cancel": "Cancel", "dismiss": "Dismiss"}

PARTICIPLES: dict[str, str] = {
    "pause": "paused",
    "resume": "resumed",
    "trigger": "run",
    "retry": "retried",
    "cancel": "cancelled",
    "delete": "deleted",
    "replay": "repeated",
    "dismiss": "dismissed",
}
"""What becomes of each thing by an action on many."""

WITHOUT_REASON = ("trigger", "retry", "replay")
"""Actions for which no reason is kept."""

DANGEROUS = ("cancel", "delete")

DONE_WITH_MANY: dict[str, str] = {
    "pause": "paused",
    "resume": "resumed",
    "cancel": "cancelled",
    "delete": "deleted",
    "replay": "all_replayed",
    "dismiss": "dismissed",
}

FILTERS: dict[str, str] = {
    "search": "Text",
    "status": "Status",
    "kind": "Schedule",
    "task_type": "Task type",
    "app_name": "App",
    "account_id": "Account",
    "tag": "Tag",
    "user_id": "User",
    "job_type": "Task type",
    "name": "Name",
    "created_from": "Created from",
    "created_before": "Created before",
    "trigger": "Made",
    "job_id": "Job",
    "failure": "Why",
    "held_by": "Held by",
    "held_key": "Key",
    "due_from": "Due from",
    "due_before": "Due before",
    "scheduled_from": "Scheduled from",
    "scheduled_before": "Scheduled before",
    "finished_from": "Ended since",
}
"""What filters are called."""

DONE: dict[str, str] = {
    "created": "The job is created.",
    "triggered": "A run was made. It starts as soon as a worker is free.",
    "paused": "Paused: nothing starts until it is resumed.",
    "resumed": "Resumed.",
    "cancelled": "Cancelled: what has not started never will, what runs is stopped.",
    "retried": "Retried with a new run.",
    "replayed": "A new run repeats the one that failed.",
    "all_replayed": "New runs repeat those that failed.",
    "closed": "The breaker is closed: calls go to that host again, and what waited for it goes on.",
    "limited": "Limited. It is in force within a second; calls that are under way count.",
    "unlimited": "The limit is deleted; what it held goes on.",
    "view_saved": "The view is saved: it stands above the filter.",
    "acted": "Carried out.",
    "unchanged": "Nothing changed.",
    "dismissed": "Dismissed: they are shown among the failures no more.",
    "disabled": "Disabled: logged out everywhere, and cannot log in. Their jobs run on.",
    "enabled": "Enabled: they may log in again.",
    "password_changed": "The password is changed. Your other sessions and logins have ended.",
    "ended": "Ended: it is no longer accepted.",
    "app_made": "The app is made. What its jobs call, who is in it and its keys stand here.",
    "member_put": "The role is given.",
    "member_removed": "The user is no longer in the app.",
    "secret_put": "The secret is stored. Requests have it within five seconds.",
    "key_revoked": "The key is revoked: within five seconds it is no longer accepted.",
    "backfilled": "Runs were made for the occurrences of that span.",
    "rewound": "Polling goes on from that state.",
    "deleted": "Deleted.",
    "updated": "Changed.",
    "settings": "Your settings are kept in this browser.",
}
"""What pages say after an action; addresses carry only the key, and after an action on many how many it was for."""


def done_with_many(action: str, changed: int, refused: int) -> str:
    """Returns what an address carries after an action on many: `done` reads it."""
    return f"{DONE_WITH_MANY.get(action, 'acted') if changed else 'unchanged'}.{changed}.{refused}"


def done(carried: str) -> str:
    """Returns what a page says after an action, empty for what no action of ours carries."""
    key, *counts = carried.split(".")
    if len(counts) != 2 or not all(one.isascii() and one.isdecimal() and len(one) < 8 for one in counts):  # noqa: PLR2004
        return DONE.get(carried, "")
    changed, refused = map(int, counts)
    return f"{DONE[key]} {changed:,} changed, {refused:,} refused." if key in DONE else ""


WHO: dict[str, str] = {
    PrincipalKind.LOCAL: "somebody on this machine",
    PrincipalKind.OPERATOR: "an operator",
}
"""Those who have no name."""

PAGES_OF: dict[str, str] = {
    "job": "/dashboard/jobs/",
    "run": "/dashboard/runs/",
    "app": "/dashboard/apps/",
}
"""Where the thing of an entry of the audit log is shown."""

_REFUSALS: dict[int, str] = {
    400: "Something in this request is wrong",
    403: "You may not do this",
    404: "There is nothing here",
    405: "This page does not take that",
    409: "It cannot be done now",
    421: "Wrong address",
    422: "This form was sent before",
    429: "Too many requests",
    503: "A part of Carillon is away",
}


def refusal(status: int) -> str:
    """Returns the heading of an error page."""
    return _REFUSALS.get(status, "Something went wrong")


QUOTAS: dict[str, str] = {
    "jobs": "Jobs",
    "waiting_runs": "Due runs that wait",
    "shortest_interval_seconds": "Shortest wait between runs of a job, seconds",
    "payload_bytes": "Data of a job, bytes",
    "requests_per_minute": "Requests a minute of all its keys together",
}

ORIGINS: dict[str, str] = {
    Origin.ENVIRONMENT: "the environment",
    Origin.DEFAULT: "the default",
    Origin.DERIVED: "other settings",
}

EVENTS = "/api/events?topics=jobs,runs"
"""What tells a page that something of it may have changed."""

LOST_AWAY = "Not up to date: the server has not answered since {}. The page goes on by itself once it does."
LOST_ENDED = "Not up to date since {}: your session has ended. Load the page anew to log in."
LOST_GONE = "Not up to date since {}: what this page shows is no longer there, or no longer for you."
"""What a page says once it no longer follows what happens; `{}` is the time of its last look."""

ORDERINGS: dict[str, str] = {
    "-created_at": "newest first",
    "created_at": "oldest first",
    "-updated_at": "changed last",
    "name": "by name",
    "-priority": "most urgent first",
    "deadline": "nearest deadline first",
    "status": "by status",
}

THEMES = asked.THEMES
ZONES = asked.zones
