"""The verdict: how it stands, in a sentence for each thing that is not well, with a link to where more is told."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from urllib.parse import quote, urlencode
from zoneinfo import ZoneInfo

from core import instants
from core.principals import NAMELESS
from core.states import KEYED_HOLDS, Hold, RunStatus
from pages import formats
from pages.naming import called, key_path, limited
from services.reading.failures.breakers import BreakerView
from services.reading.failures.failing_hosts import FailingHost
from services.reading.failures.open_alerts import NONE, OpenAlerts
from services.reading.installation.process_health import PartView
from services.reading.occurrences.not_fired import NOTHING, NotFiredLately
from services.reading.pauses.pauses_in_force import NO_APPS, PausedApps, PauseInForce
from services.reading.statistics.minute_statistics import MinuteFigures
from services.reading.waiting import Waiting, WaitView

LONG_SECONDS = 60.0
HELD_SECONDS = 20.0
"""After so long, what a rate or a breaker holds is told: it ends by itself, but somebody may wonder."""
MANY, STILL_MANY = 0.1, 0.05
_RECENT_MINUTES = 5
NAMED_APPS = 3
_RUNS = "run", "runs"
_MINUTES = "minute is", "minutes are"
_FAIL = "job fails", "jobs fail"
_JOBS = "job", "jobs"
_NAMED, _NOT_FIRED_NAMED = 3, 5
_WHAT = "/dashboard/queues", "What waits"
_OF_WHOM = "/dashboard/accounts?order=waited", "Whose runs wait"
_WANTED = (Hold.PAUSED, Hold.OVERLAP, Hold.RESTORED)


@dataclass(frozen=True)
class Verdict:
    """A sentence; `tone` is ok, wait or bad, or empty for what is only to be known; `path` is where more is told."""

    tone: str
    text: str
    path: str
    link: str


@dataclass(frozen=True)
class Facts:
    """What a verdict is based on; `minutes` is None for readers who may not see figures of the installation.

    `not_fired_in` names the span of `not_fired`.
    """

    now: datetime
    zone: ZoneInfo
    paused_at: datetime | None
    parts: Sequence[PartView]
    waiting: Waiting
    minutes: Sequence[MinuteFigures] | None
    paused_until: datetime | None = None
    alerts: OpenAlerts = NONE
    paused_apps: PausedApps = NO_APPS
    breakers: Sequence[BreakerView] = ()
    failing_hosts: Sequence[FailingHost] = ()
    paused_jobs: int = 0
    not_fired: NotFiredLately = NOTHING
    not_fired_in: str = "24 hours"


def of(facts: Facts) -> list[Verdict]:
    """Returns all that is not well, the worst first, so that one thing does not hide another; else that all is well.

    The order is fixed: what lasts stays where it stands. What somebody wanted to be so follows, though all is well.
    """
    found = [_pause(facts), _amiss(facts), _failing(facts), *_breakers(facts)]
    found += [*_paused_apps(facts), *_waits(facts), _late(facts), _failures(facts)]
    found.append(_not_fired(facts, RunStatus.MISSED, "wait"))
    wanted = [_paused_jobs(facts), _not_fired(facts, RunStatus.SKIPPED, "")]
    return [*(_told(found) or [_well(facts)]), *_told(wanted)]


def _told(found: Sequence[Verdict | None]) -> list[Verdict]:
    return [one for one in found if one is not None]


def _pause(facts: Facts) -> Verdict | None:
    if facts.paused_at is None:
        return None
    waits = formats.plural(facts.waiting.count, "run waits", "runs wait")
    since = formats.relative(facts.paused_at, facts.now, facts.zone)
    until = "" if facts.paused_until is None else f" until {formats.local(facts.paused_until, facts.zone)}"
    link = "What waits" if facts.minutes is None else "Resume it"
    return Verdict("wait", f"Everything was paused {since}{until}; {waits}.", "/dashboard/queues", link)


def _paused_apps(facts: Facts) -> list[Verdict]:
    """Which apps are paused, one by one; of many, the rest together."""
    named = [_paused_app(one, facts) for one in facts.paused_apps.newest]
    rest = facts.paused_apps.count - len(named)
    if rest > 0:
        more = f"{formats.plural(rest, 'more app is', 'more apps are')} paused."
        named.append(Verdict("wait", more, "/dashboard/apps", "Apps"))
    return named


def _paused_app(one: PauseInForce, facts: Facts) -> Verdict:
    paused = "is paused" if one.since is None else f"was paused {formats.relative(one.since, facts.now, facts.zone)}"
    until = "" if one.until is None else f" until {formats.local(one.until, facts.zone)}"
    by = "" if one.by is None else f", by {NAMELESS.get(one.by.kind, one.by.principal)}"
    reason = f": “{one.by.reason}”" if one.by and one.by.reason else ""
    text = f"The app {one.app_name} {paused}{until}{by}{reason}."
    if one.is_seen:
        return Verdict("wait", text, f"/dashboard/apps/{quote(one.app_name or '', safe='')}", "Resume it there")
    return Verdict("wait", text, f"/dashboard/jobs?{urlencode({'app_name': one.app_name})}", "Its jobs")


def _amiss(facts: Facts) -> Verdict | None:
    wrong = next((part for part in facts.parts if not part.is_well), None)
    if wrong is None:
        return None
    return Verdict("bad", f"Something is wrong with the part {wrong.name}: {wrong.detail}", "#parts", "All parts")


def _failing(facts: Facts) -> Verdict | None:
    """Whether jobs fail each time."""
    failing = facts.alerts.failing
    if not failing:
        return None
    count = f"More than {len(failing)} jobs fail" if facts.alerts.is_cut else formats.plural(len(failing), *_FAIL)
    named = ", ".join(f"{called(one)} ({one.failures_in_row} in a row)" for one in failing[:_NAMED])
    rest = f" and {len(failing) - _NAMED} more" if len(failing) > _NAMED else ""
    return Verdict("bad", f"{count} each time: {named}{rest}.", "#alerts", "Open alerts")


def _breakers(facts: Facts) -> list[Verdict]:
    """Which circuit breakers are open, one by one; of many, the rest together."""
    newest = sorted(facts.breakers, key=lambda one: one.opened_at, reverse=True)
    named = [_breaker(one, facts) for one in newest[:_NAMED]]
    rest = len(newest) - _NAMED
    if rest > 0:
        more = f"{formats.plural(rest, 'more circuit breaker is', 'more circuit breakers are')} open."
        named.append(Verdict("bad", more, "/dashboard/queues#breakers", "Open breakers"))
    return named


def _breaker(one: BreakerView, facts: Facts) -> Verdict:
    since = formats.relative(one.opened_at, facts.now, facts.zone)
    hosts = (host for host in facts.failing_hosts if (host.host, host.app_name) == (one.host, one.app_name))
    message = next((host.message for host in hosts if host.message), None)
    error = f": “{message}”" if message else ""
    wait = formats.plural(one.waiting, "run waits", "runs wait")
    text = f"Most calls of {one.app_name} to {one.host} fail{error}. Its circuit breaker opened {since}; {wait}."
    return Verdict("bad", text, key_path(one.key), "This receiver")


def _waits(facts: Facts) -> list[Verdict]:
    """What has waited for long, though nobody paused it: the largest group for each kind of reason."""
    found: dict[Hold | None, Verdict] = {}
    for one in facts.waiting.groups:
        waited = (facts.now - one.oldest_due_at).total_seconds()
        long = HELD_SECONDS if one.held_by in KEYED_HOLDS else LONG_SECONDS
        if _is_news(one, facts) and waited > long and one.held_by not in found:
            count = formats.plural(one.count, "run waits", "runs wait")
            text = f"{count}: {_reason(one, facts)}."
            found[one.held_by] = Verdict("wait", text, *(_OF_WHOM if one.held_by is None else _WHAT))
    return list(found.values())


def _is_news(one: WaitView, facts: Facts) -> bool:
    """Whether nobody wanted it, and no other verdict has told it."""
    return one.held_by not in _WANTED and one.held_key not in {breaker.key for breaker in facts.breakers}


def _reason(one: WaitView, facts: Facts) -> str:
    if one.held_by in (Hold.RATE_LIMIT, Hold.CONCURRENCY):
        is_rate = one.held_by is Hold.RATE_LIMIT
        until = (
            f" until {formats.local(one.held_until, facts.zone)}"
            if is_rate and one.held_until is not None and one.held_until > facts.now
            else ""
        )
        used_up = "has used up its rate" if is_rate else "has as many runs at once as its limit allows"
        return f"{limited(one.held_key or '')} {used_up}{until} ({one.held_key})"
    if one.held_by is Hold.DESTINATION:
        return f"most of the last calls of {one.app_name} failed, so its runs are held ({one.held_key})"
    waited = formats.span((facts.now - one.oldest_due_at).total_seconds())
    return f"no worker has been free for those of {one.app_name} on {one.queue} for {waited}"


def _late(facts: Facts) -> Verdict | None:
    """Whether runs that began a moment ago were late, though nothing held any: what is held is told as waiting."""
    minutes = (facts.minutes or ())[-_RECENT_MINUTES:]
    if any(one.held for one in minutes) or any(one.held_by is not None for one in facts.waiting.groups):
        return None
    late = max((one.lateness_p95_seconds or 0.0 for one in minutes), default=0.0)
    if late <= LONG_SECONDS:
        return None
    text = f"Runs begin late: in the last minutes, some of them by {formats.span(late)} and more."
    return Verdict("wait", text, *_WHAT)


def _failures(facts: Facts) -> Verdict | None:
    """Whether one run in ten failed; once told, for a while though it is fewer: else it would come and go."""
    ended, failed = _totals(facts.minutes)
    minutes = facts.minutes or ()
    earlier = max((_share(minutes[: max(0, len(minutes) - ago)]) for ago in range(1, _RECENT_MINUTES + 1)), default=0.0)
    share_now = _share(minutes)
    if share_now < MANY and (earlier < MANY or share_now < STILL_MANY):
        return None
    share = f"{formats.number(failed)} of {formats.plural(ended, *_RUNS)} in the last hour failed for good."
    return Verdict("bad", share, "/dashboard/failures", "Why")


def _paused_jobs(facts: Facts) -> Verdict | None:
    if not facts.paused_jobs:
        return None
    text = f"{formats.plural(facts.paused_jobs, 'job is', 'jobs are')} paused."
    return Verdict("", text, "/dashboard/jobs?status=paused", "Paused jobs")


def _not_fired(facts: Facts, status: RunStatus, tone: str) -> Verdict | None:
    """Which jobs missed occurrences, or skipped some: those with the most by name."""
    jobs, since = facts.not_fired.of(status), facts.not_fired.since
    if not jobs or since is None:
        return None
    named = ", ".join(f"{called(one)} ({formats.number(one.occurrences)})" for one in jobs[:_NOT_FIRED_NAMED])
    unnamed = len(jobs) - _NOT_FIRED_NAMED
    rest = f" and {formats.number(unnamed)} more" if unnamed > 0 else ""
    least = "At least " if facts.not_fired.is_cut else ""
    what = f"{least}{formats.plural(len(jobs), *_JOBS)} {status} occurrences"
    listed = urlencode({"status": status.value, "finished_from": instants.shown(since)})
    text = f"{what} in the last {facts.not_fired_in}: {named}{rest}."
    return Verdict(tone, text, f"/dashboard/runs?{listed}", f"What was {status}")


def _well(facts: Facts) -> Verdict:
    ended, failed = _totals(facts.minutes)
    if facts.minutes is None:
        return Verdict("ok", "All is well.", "/dashboard/jobs", "Your jobs")
    if not ended:
        told = _not_known(facts) or " Nothing has run in the last hour."
        return Verdict("ok", f"All is well.{told}", "/dashboard/upcoming", "What comes")
    late = [one.lateness_p95_seconds for one in facts.minutes if one.lateness_p95_seconds is not None]
    began = f", 95 % began within {formats.span(max(late))} even in the worst minute" if late else ""
    counts = f"{formats.plural(ended, *_RUNS)} in the last hour, {formats.number(failed)} failed{began}."
    return Verdict("ok", f"All is well. {counts}{_not_known(facts)}", "/dashboard/upcoming", "What comes")


def _not_known(facts: Facts) -> str:
    """A sentence that says how much of the last hour is not known, after an outage of coordinators for example."""
    unknown = sum(not one.is_known for one in facts.minutes or ())
    return f" Of the last hour, {formats.plural(unknown, *_MINUTES)} not known." if unknown else ""


def _share(minutes: Sequence[MinuteFigures]) -> float:
    ended, failed = _totals(minutes)
    return failed / ended if ended else 0.0


def _totals(minutes: Sequence[MinuteFigures] | None) -> tuple[int, int]:
    failed = sum(one.failed for one in minutes or ())
    return failed + sum(one.completed for one in minutes or ()), failed
