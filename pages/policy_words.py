"""The policies of a job that are not as usual, in words: what explains how it behaves."""

from __future__ import annotations

from core.policies import CATCH_UP_WINDOW_SECONDS
from core.schedules import Recurring
from pages import formats
from services.reading.views import JobView

_A_DAY = 86_400


def unusual(view: JobView) -> dict[str, str]:
    """Returns what each policy means for a job, by its label; those that are as usual are left out."""
    meanings = {
        "Time limit": _seconds(view.time_limit_seconds, "for each attempt"),
        "First backoff": _seconds(view.retry_backoff_base, "before the first retry, doubled with each"),
        "Longest backoff": _seconds(view.retry_backoff_max, "before any retry"),
        "Catch-up window": _window(view),
        "Jitter": _jitter(view),
        "Expires": "a run that has not begun by its deadline is dropped" if view.expire else "",
        "Keeps": _kept(view),
        "Limit key": f"{view.limit_key}, filled in from the data: runs with the same key share its limit"
        if view.limit_key
        else "",
    }
    return {label: words for label, words in meanings.items() if words}


def _seconds(seconds: float | None, words: str) -> str:
    return "" if seconds is None else f"{formats.span(seconds)} {words}"


def _window(view: JobView) -> str:
    if view.catch_up_window_seconds == CATCH_UP_WINDOW_SECONDS:
        return ""
    return f"{formats.span(view.catch_up_window_seconds)}; what was missed longer ago stays missed"


def _jitter(view: JobView) -> str:
    jitter = view.schedule.jitter_seconds if isinstance(view.schedule, Recurring) else None
    return f"each run is due up to {formats.span(jitter)} after its instant" if jitter else ""


def _kept(view: JobView) -> str:
    days = None if view.keep_days is None else f"the runs of the last {formats.span(view.keep_days * _A_DAY)}"
    last = None if view.keep_last is None else f"the newest {formats.plural(view.keep_last, 'run', 'runs')}"
    return " and ".join(filter(None, (days, last)))
