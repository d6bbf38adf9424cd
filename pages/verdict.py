"""The verdict: how it stands, in a sentence with its reason and a link to where more is told."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from zoneinfo import ZoneInfo

from core.states import Hold
from pages import formats
from services.reading.parts import PartView
from services.reading.statistics import MinuteFigures
from services.reading.waiting import Waiting, WaitView

LONG_SECONDS = 60.0
MANY = 0.1
_RECENT_MINUTES = 5
_RUNS = "run", "runs"


@dataclass(frozen=True)
class Verdict:
    """A sentence; `tone` is ok, wait or bad, `path` where more is told."""

    tone: str
    text: str
    path: str
    link: str


@dataclass(frozen=True)
class Facts:
    """What a verdict is based on; `minutes` is None for readers who may not see figures of the installation."""

    now: datetime
    zone: ZoneInfo
    paused_at: datetime | None
    parts: Sequence[PartView]
    waiting: Waiting
    minutes: Sequence[MinuteFigures] | None


def of(facts: Facts) -> Verdict:
    """Returns the verdict: the worst that holds, in this order."""
    return _pause(facts) or _amiss(facts) or _long_waits(facts) or _late(facts) or _failures(facts) or _well(facts)


def _pause(facts: Facts) -> Verdict | None:
    if facts.paused_at is None:
        return None
    waits = formats.plural(facts.waiting.count, "run waits", "runs wait")
    since = formats.relative(facts.paused_at, facts.now, facts.zone)
    return Verdict("wait", f"Everything is paused since {since}; {waits}.", "/dashboard/queues", "Resume it")


def _amiss(facts: Facts) -> Verdict | None:
    wrong = next((part for part in facts.parts if not part.is_well), None)
    if wrong is None:
        return None
    return Verdict("bad", f"Something is wrong with the part {wrong.name}: {wrong.detail}", "#parts", "All parts")


def _long_waits(facts: Facts) -> Verdict | None:
    """Whether a group of runs has waited for long, though nobody paused it: the largest such."""
    for one in facts.waiting.groups:
        waited = (facts.now - one.oldest_due_at).total_seconds()
        if one.held_by not in (Hold.PAUSED, Hold.OVERLAP, Hold.RESTORED) and waited > LONG_SECONDS:
            count = formats.plural(one.count, "run waits", "runs wait")
            return Verdict("wait", f"{count}: {_reason(one, facts)}.", "/dashboard/queues", "What waits")
    return None


def _reason(one: WaitView, facts: Facts) -> str:
    if one.held_by is Hold.RATE_LIMIT:
        until = (
            f" until {formats.local(one.held_until, facts.zone)}"
            if one.held_until is not None and one.held_until > facts.now
            else ""
        )
        return f"account {one.account_id} has used up its rate{until}"
    if one.held_by is Hold.DESTINATION:
        return f"most of the last calls of {one.app_name} failed, so its runs are held ({one.held_key})"
    waited = formats.span((facts.now - one.oldest_due_at).total_seconds())
    return f"no worker has been free for those of {one.app_name} on {one.queue} for {waited}"


def _late(facts: Facts) -> Verdict | None:
    """Whether runs that began a moment ago were late."""
    late = max((one.lateness_p95_seconds or 0.0 for one in (facts.minutes or ())[-_RECENT_MINUTES:]), default=0.0)
    if late <= LONG_SECONDS:
        return None
    text = f"Runs begin late: in the last minutes, some of them by {formats.span(late)} and more."
    return Verdict("wait", text, "/dashboard/queues", "What waits")


def _failures(facts: Facts) -> Verdict | None:
    ended, failed = _totals(facts)
    if not ended or failed / ended < MANY:
        return None
    share = f"{formats.number(failed)} of {formats.plural(ended, *_RUNS)} in the last hour failed for good."
    return Verdict("bad", share, "/dashboard/failures", "Why")


def _well(facts: Facts) -> Verdict:
    ended, failed = _totals(facts)
    if facts.minutes is None:
        return Verdict("ok", "All is well.", "/dashboard/jobs", "Your jobs")
    if not ended:
        return Verdict("ok", "All is well. Nothing has run in the last hour.", "/dashboard/upcoming", "What comes")
    late = [one.lateness_p95_seconds for one in facts.minutes if one.lateness_p95_seconds is not None]
    began = f", 95 % began within {formats.span(max(late))} even in the worst minute" if late else ""
    counts = f"{formats.plural(ended, *_RUNS)} in the last hour, {formats.number(failed)} failed{began}."
    return Verdict("ok", f"All is well. {counts}", "/dashboard/upcoming", "What comes")


def _totals(facts: Facts) -> tuple[int, int]:
    failed = sum(one.failed for one in facts.minutes or ())
    return failed + sum(one.completed for one in facts.minutes or ()), failed
