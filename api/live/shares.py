"""Shares: which changes each listener gets. Decisions that are the same for many listeners are made once."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Collection, Iterable
from dataclasses import dataclass
from uuid import UUID

from api.live.frames import Told
from api.live.listeners import MAX_FRAMES, Audience, Interest, Listener
from core import names
from core.principals import Principal
from core.scopes import Scope
from services.access import visible_apps
from services.changes.looking import Look, News, WhoseJob
from services.reading.visibility import sees

MAX_CHANGED = 1_000
"""Of more changed jobs than this, only those who listen to one job are told which."""

Whose = dict[UUID, WhoseJob]

_NOTHING = Told()


@dataclass(frozen=True)
class Share:
    """What a listener is sent in a round; `told` is None if it must reload."""

    listener: Listener
    told: Told | None
    joins: bool


def shares(
    look: Look, now: float, listeners: Collection[Listener], news: News | None, whose: Whose, *, join: bool = False
) -> list[Share]:
    """Returns the share of each of these listeners in the changes; adds to `whose` the jobs looked up for that."""
    whose.update(look.whose(_looked_up(listeners, news, join=join) - whose.keys()))
    sharing = _Sharing(look, news, whose)
    found = []
    for one in listeners:
        told = sharing.told_to(one)
        if one.interest.is_everything and not join:
            told = one.allowance.granted(told, now)
        found.append(Share(one, told, join))
    return found


def _looked_up(listeners: Iterable[Listener], news: News | None, *, join: bool) -> set[UUID]:
    """Returns the jobs whose owners must be known."""
    alone = {one.interest.job_id for one in listeners}
    wanted = {job_id for job_id in alone if job_id is not None}
    if not join and news is not None and not news.apps:
        wanted &= news.jobs
    if None in alone and news is not None and len(news.jobs) <= MAX_CHANGED:
        wanted |= news.jobs
    return wanted


class _Sharing:
    """Distributes the changes; caches each decision for all listeners of the same audience."""

    def __init__(self, look: Look, news: News | None, whose: Whose) -> None:
        self._look = look
        self._news = news
        self._whose = whose
        self._told: dict[Audience, Told | None] = {}
        self._of_apps: dict[str, list[WhoseJob]] = defaultdict(list)
        if news is not None and len(news.jobs) <= MAX_CHANGED:
            for job in (whose[one] for one in news.jobs if one in whose):
                self._of_apps[names.folded(job.app_name)].append(job)

    def told_to(self, listener: Listener) -> Told | None:
        """Returns what a listener is sent; None if it must reload."""
        if self._has_nothing_of(listener.interest):
            return _NOTHING
        audience = listener.audience
        if audience not in self._told:
            self._told[audience] = self._found(listener)
        return self._told[audience]

    def _has_nothing_of(self, interest: Interest) -> bool:
        if self._news is None or self._news.apps:
            return False
        return not self._news.jobs if interest.job_id is None else interest.job_id not in self._news.jobs

    def _found(self, listener: Listener) -> Told | None:
        if self._news is None or self._is_too_much(self._news, listener.principal, listener.interest):
            return None
        told = self._seen(self._news, listener)
        count = len(told.runs) + (len(told.jobs) if listener.telling.wants_jobs else 0)
        return told if count <= MAX_FRAMES else None  # would be disconnected, reconnect, and miss as much again

    def _is_too_much(self, news: News, principal: Principal, interest: Interest) -> bool:
        """Whether so much has changed that the listener must reload."""
        if interest.job_id is not None:
            job = self._whose.get(interest.job_id)
            return bool(news.apps) and job is not None and news.is_of_app(job.app_id)
        if interest.app_name is not None and not visible_apps.may_have_jobs(principal, interest.app_name):
            return False  # neither the changes nor the existence of somebody else's app is revealed
        if len(news.jobs) > MAX_CHANGED:
            return True
        if not news.apps:
            return False
        if interest.app_name is not None:
            return self._look.is_of_app_named(news, interest.app_name)
        return _is_of_theirs(self._look, principal, news)

    def _seen(self, news: News, listener: Listener) -> Told:
        """Returns the changes that a listener wants and may see."""
        jobs = {one.id for one in self._touched(news, listener.interest) if sees(listener.principal, one)}
        runs = [run for run, job in news.runs.items() if job in jobs] if jobs and listener.telling.wants_runs else []
        return Told(jobs, self._look.runs_seen(listener.principal, runs))

    def _touched(self, news: News, interest: Interest) -> Iterable[WhoseJob]:
        if interest.job_id is not None:
            is_touched = interest.job_id in news.jobs and interest.job_id in self._whose
            return [self._whose[interest.job_id]] if is_touched else []
        if interest.app_name is not None:
            return self._of_apps[names.folded(interest.app_name)]
        return (job for jobs in self._of_apps.values() for job in jobs)


def _is_of_theirs(look: Look, principal: Principal, news: News) -> bool:
    """Whether too much has changed in an app in which the principal may see jobs; other apps reveal nothing."""
    own = principal.app_ids(Scope.READ)
    if own is None:
        return True
    shared = look.shared_apps if principal.user_id is not None else frozenset()
    return any(map(news.is_of_app, own | shared))
