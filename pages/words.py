"""Texts of pages that are not in templates: for statuses, reasons, completed actions, and refusals."""

from __future__ import annotations

from core import limit_keys, schedules
from core.alerting import AlertKind
from core.past_occurrences import Became
from core.policies import CatchUp, Overlap
from core.processes import ProcessKind
from core.states import Hold, JobStatus, Outcome, RunStatus, Trigger
from services.reading.installation.settings_in_force import Origin

STATUSES = [one.value for one in JobStatus]
"""What a job may show, as a filter offers it."""

RUN_STATUSES = [one.value for one in RunStatus]

HOLDS: dict[str | None, str] = {
    None: "for a free worker",
    Hold.PAUSED: "paused",
    Hold.OVERLAP: "for the run before it",
    Hold.RATE_LIMIT: "until its rate allows another call",
    Hold.CONCURRENCY: "for a free place under a limit of runs at once",
    Hold.DESTINATION: "until its receiver answers again",
    Hold.RESTORED: "to be released: the database was taken back",
}

LIMIT_KEYS = limit_keys.SPELLINGS

ALERTS: dict[str, str] = {AlertKind.FAILING: "fails each time", AlertKind.LATE: "late"}
"""How the alerts of a job are described."""

TRIGGERS: dict[str, str] = {
    Trigger.SCHEDULE: "by its schedule",
    Trigger.POLL: "poll",
    Trigger.MANUAL: "on request",
    Trigger.RETRY: "replay",
    Trigger.BACKFILL: "backfill",
}

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
    CatchUp.LATEST: "latest: of what an outage missed, the newest still runs",
    CatchUp.SKIP: "skip: what an outage missed stays missed",
    CatchUp.ALL: "all: all that an outage missed still runs",
}

ACTIONS_ON_JOBS: dict[str, str] = {
    "pause": "Pause",
    "resume": "Resume",
    "trigger": "Run now",
    "retry": "Replay",
    "cancel": "Cancel",
    "delete": "Delete",
}

ACTIONS_ON_RUNS: dict[str, str] = {"replay": "Replay", "cancel": "Cancel", "dismiss": "Dismiss"}

PARTICIPLES: dict[str, str] = {
    "pause": "paused",
    "resume": "resumed",
    "trigger": "run",
    "retry": "replayed",
    "cancel": "cancelled",
    "delete": "deleted",
    "replay": "replayed",
    "dismiss": "dismissed",
}
"""The participle of each bulk action."""

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
    "status_not": "Without",
    "status": "Status",
    "paused": "Paused",
    "kind": "Schedule",
    "task_type": "Task type",
    "app_name": "App",
    "account_id": "Account",
    "tag": "Tag",
    "metadata": "Metadata",
    "user_id": "User",
    "job_type": "Task type",
    "name": "Name",
    "created_from": "Created from",
    "created_before": "Created before",
    "trigger": "Trigger",
    "job_id": "Job",
    "failure": "Error",
    "host": "Host",
    "held_by": "Held by",
    "held_key": "Key",
    "due_from": "Due from",
    "due_before": "Due before",
    "scheduled_from": "Scheduled from",
    "scheduled_before": "Scheduled before",
    "finished_from": "Ended since",
    "finished_before": "Ended before",
    "retry_of": "Replays of the run",
}
"""What filters are called."""

DONE: dict[str, str] = {
    "created": "The job is created.",
    "created_with_app": "The job is created. There was no app of this name: it is created, too.",
    "tried": "A job was created that runs once, to try it. The form is still in its tab.",
    "triggered": "A run was created. It starts as soon as a worker is free.",
    "triggered_job": "A run was created. It waits until the job is resumed.",
    "triggered_app": "A run was created. It waits until its app is resumed.",
    "triggered_everything": "A run was created. It starts once everything is resumed.",
    "triggered_several": "A run was created. It starts once each pause that is listed below has ended.",
    "paused": "Paused: nothing starts until it is resumed.",
    "paused_until": "Paused: nothing starts until that instant, or until it is resumed.",
    "resumed": "Resumed.",
    "draining": "The worker takes no more runs from its next heartbeat on.",
    "takes_runs": "The worker takes runs again from its next heartbeat on.",
    "cancelled": "Cancelled: runs that have not started will not start, runs under way are stopped.",
    "replayed": "A new run replays the one that failed.",
    "replayed_again": "A new run does again what the one that completed has done.",
    "all_replayed": "The runs are being replayed; this list shows the new runs.",
    "closed": "The breaker is closed: calls go to that host again, and held runs continue.",
    "limited": "Limited. It is in force within a second; calls that are under way count.",
    "unlimited": "The limit is deleted; runs that it held continue.",
    "view_saved": "The view is saved: it is listed above the filter.",
    "none_ticked": "Nothing is ticked: tick some rows, or choose “all that fit”.",
    "acted": "Carried out.",
    "unchanged": "Nothing changed.",
    "dismissed": "Dismissed: they are no longer shown among the failures.",
    "disabled": "Disabled: the user is logged out everywhere, and cannot log in. Their jobs continue to run.",
    "enabled": "Enabled: they may log in again.",
    "password_changed": "The password is changed. Your other sessions and logins have ended.",
    "ended": "Ended: it is no longer accepted.",
    "app_made": "The app is made. Set its callback address, members and keys here.",
    "member_put": "The role is given.",
    "member_removed": "The user is no longer in the app.",
    "secret_put": "The secret is stored. Requests have it within five seconds.",
    "key_revoked": "The key is revoked: within five seconds it is no longer accepted.",
    "backfilled": "Runs were made for the occurrences of that span.",
    "rewound": "Polling goes on from that state.",
    "deleted": "Deleted.",
    "updated": "Changed.",
    "reverted": "The job was restored to that version, as a new version. Earlier ones are kept.",
    "settings": "Your settings are kept in this browser.",
}
"""What pages say after an action; addresses contain only the key, and after a bulk action the number of rows."""


def done_with_many(action: str, changed: int, refused: int) -> str:
    """Returns what an address contains after a bulk action: `done` reads it."""
    return f"{DONE_WITH_MANY.get(action, 'acted') if changed else 'unchanged'}.{changed}.{refused}"


def done(carried: str) -> str:
    """Returns what a page says after an action; empty for a key that no action sets."""
    key, *counts = carried.split(".")
    if len(counts) != 2 or not all(one.isascii() and one.isdecimal() and len(one) < 8 for one in counts):  # noqa: PLR2004
        return DONE.get(carried, "")
    changed, refused = map(int, counts)
    participle = {"all_replayed": "replayed", "acted": "started", "unchanged": "changed"}.get(key, key)
    return f"{DONE[key]} {changed:,} {participle}, {refused:,} refused." if key in DONE else ""


PAUSED: dict[str, str] = {"true": "itself, its app or everything", "false": "not paused"}
"""Values of the filter for jobs that are paused in any way."""

BECAME: dict[str, str] = {
    Became.FIRED: "fired",
    Became.LATE: "fired late",
    Became.FAILED: "failed",
    Became.SKIPPED: "skipped",
    Became.MISSED: "missed",
    Became.CANCELLED: "cancelled",
    Became.UNDER_WAY: "under way",
}
"""What became of an occurrence."""

PROCESSES: dict[str, str] = {
    ProcessKind.WEB: "web",
    ProcessKind.COORDINATOR: "coordinator",
    ProcessKind.PERIODIC: "periodic",
    ProcessKind.EMBEDDED: "all in one",
}
"""What kinds of processes are called."""

CHANGED_MEANWHILE = (
    "Somebody has changed it since this page was loaded, so nothing was done. Load the page again to see what it is "
    "now, and repeat the change."
)

NO_PAGE = "No page has this address. It may be mistyped, or what it showed is gone."

_REFUSALS: dict[int, str] = {
    400: "Something in this request is wrong",
    403: "You may not do this",
    404: "There is nothing here",
    405: "This page does not accept that method",
    409: "It cannot be done now",
    412: "It has been changed meanwhile",
    421: "Wrong address",
    422: "This form was sent before",
    429: "Too many requests",
    503: "A part of Carillon is unavailable",
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
"""What tells a page that a part of it may have changed."""

LOST_AWAY = "Not up to date: the server has not answered since {}. The page updates itself once it does."
LOST_ENDED = "Not up to date since {}: your session has ended. Reload the page to log in."
LOST_GONE = "Not up to date since {}: what this page shows no longer exists, or you may no longer see it."
"""What a page says once it no longer follows what happens; `{}` is the time of its last look."""

SLOWER = "slower"
"""The ordering of jobs that no list of the API has: `GET /api/jobs/slow` has its first part."""

ORDERINGS: dict[str, str] = {
    "-created_at": "newest first",
    "created_at": "oldest first",
    "-updated_at": "changed last",
    "name": "by name",
    "-priority": "most urgent first",
    "deadline": "nearest deadline first",
    "status": "by status",
    SLOWER: "slower than usual",
}
