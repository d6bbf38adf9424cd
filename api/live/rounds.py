"""A round: one look, shared out among the listeners. What nobody wants, or nobody may see, is not read."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass
from uuid import UUID

from api.live.frames import Frame, Round, Told
from api.live.listeners import MOST_FRAMES, Listener
from core.errors import CarillonError, NotFound
from core.principals import Principal
from services.access import visible_apps
from services.changes.looking import Look, News, WhoseJob
from services.reading.visibility import sees

MOST_CHANGED = 1_000
"""Of more changed jobs than this, only those who listen to one job are told which."""
_NOTHING = News(frozenset(), {}, frozenset())

Outcome = Sequence[Frame] | CarillonError
Outcomes = Mapping[Listener, Outcome]


@dataclass(frozen=True)
class _Share:
    """What a listener is told in a round; `told` is None where it must read anew what it shows."""

    listener: Listener
    told: Told | None
    joins: bool


def carry_out(look: Look, now: float, listening: Collection[Listener], joining: Collection[Listener]) -> Outcomes:
    """Returns the frames for each listener; for one that joins and may not, the error."""
    news = dict.fromkeys(listening, look.news()) | {one: _missed(look, one) for one in joining}
    whose = look.whose(_looked_up(news, joining))
    shares = [_share(look, now, one, news[one], whose, joins=one in joining) for one in news]
    current = Round(look, now)
    current.read(
        {job for share in shares if share.told and share.listener.telling.wants_jobs for job in share.told.jobs},
        {run for share in shares if share.told and share.listener.telling.wants_runs for run in share.told.runs},
    )
    return {share.listener: _outcome(current, share, whose) for share in shares}


def _missed(look: Look, joining: Listener) -> News | None:
    """Returns what was changed since the cursor that a listener brings; nothing if it brings none."""
    if joining.resumes_at is None:
        return None if joining.brings_unreadable_cursor else _NOTHING
    return look.news_since(joining.resumes_at)


def _looked_up(news: Mapping[Listener, News | None], joining: Collection[Listener]) -> Iterable[UUID]:
    """Returns the jobs of which it matters whose they are."""
    wanted: set[UUID] = set()
    for one, found in news.items():
        job_id = one.interest.job_id
        if job_id is not None and (one in joining or found is None or found.apps or job_id in found.jobs):
            wanted.add(job_id)
        elif job_id is None and found is not None and len(found.jobs) <= MOST_CHANGED:
            wanted |= found.jobs
    return wanted


def _share(
    look: Look, now: float, listener: Listener, news: News | None, whose: Mapping[UUID, WhoseJob], *, joins: bool
) -> _Share:
    told = None if news is None or _is_too_much(look, listener, news, whose) else _told(listener, news, whose)
    if told is not None and _frames(listener, told) > MOST_FRAMES:  # would be sent away, come back, and miss as much
        told = None
    if listener.interest.is_everything and not joins:
        told = listener.allowance.granted(told, now)
    return _Share(listener, told, joins)


def _frames(listener: Listener, told: Told) -> int:
    return len(told.runs) + (len(told.jobs) if listener.telling.wants_jobs else 0)


def _is_too_much(look: Look, listener: Listener, news: News, whose: Mapping[UUID, WhoseJob]) -> bool:
    """Whether so much was changed of what somebody listens to that only reading it anew tells what."""
    interest = listener.interest
    if interest.job_id is not None:
        job = whose.get(interest.job_id)
        return bool(news.apps) and job is not None and news.is_of_app(job.app_id)
    if interest.app_name is not None and not visible_apps.may_have_jobs(listener.principal, interest.app_name):
        return False  # what becomes of another's app is not told, nor whether there is one of this name
    if len(news.jobs) > MOST_CHANGED:
        return True
    if not news.apps:
        return False
    if interest.app_name is not None:
        return look.is_of_app_named(news, interest.app_name)
    return _is_of_theirs(look, listener.principal, news)


def _is_of_theirs(look: Look, principal: Principal, news: News) -> bool:
    """Whether so much was changed of an app in which a principal may see jobs: of another's, nothing is told."""
    if principal.sees_all:
        return True
    own = {one.app_id for one in principal.memberships}
    shared = look.shared_apps if principal.user_id is not None else frozenset()
    return any(map(news.is_of_app, own | shared))


def _told(listener: Listener, news: News, whose: Mapping[UUID, WhoseJob]) -> Told:
    """Returns what a listener wants and may see of what was changed."""
    interest = listener.interest
    touched = news.jobs if interest.job_id is None else news.jobs & {interest.job_id}
    found = (whose[one] for one in touched if one in whose)
    jobs = {one.id for one in found if interest.includes(one.app_name) and sees(listener.principal, one)}
    runs = [run for run, job in news.runs.items() if job in jobs] if jobs and listener.telling.wants_runs else []
    return Told(jobs, runs)


def _outcome(current: Round, share: _Share, whose: Mapping[UUID, WhoseJob]) -> Outcome:
    listener = share.listener
    telling, principal = listener.telling, listener.principal
    try:
        begun: Sequence[Frame] = ()
        if share.joins:
            _expect_visible(listener, whose)
            begun = telling.begin(current, principal)
        if share.told is None:
            _expect_still_visible(listener, whose)
            told = telling.reset(current, principal)
        else:
            told = telling.tell(current, principal, share.told) if share.told else ()
        return [*begun, *told, *telling.tell_due(current, principal)]
    except CarillonError as error:
        return error


def _expect_visible(listener: Listener, whose: Mapping[UUID, WhoseJob]) -> None:
    """Raises `NotFound` for a job that is not there, or that the listener may not see."""
    job_id = listener.interest.job_id
    if job_id is None:
        return
    job = whose.get(job_id)
    if job is None or job.deleted_at is not None or not sees(listener.principal, job):
        raise NotFound("job", job_id)


def _expect_still_visible(listener: Listener, whose: Mapping[UUID, WhoseJob]) -> None:
    """Raises `NotFound` for a job that the listener may not see any more: what it shows is about to be read anew."""
    job = None if listener.interest.job_id is None else whose.get(listener.interest.job_id)
    if job is not None and not sees(listener.principal, job):
        raise NotFound("job", job.id)
