"""A round: one look, shared out among the listeners. What nobody wants, or nobody may see, is not read."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Collection, Iterable, Mapping, Sequence
from uuid import UUID

from api.live.frames import Frame, Round, Told
from api.live.listeners import Listener
from api.live.shares import Share, Whose, shares
from core.cursors import Cursor
from core.errors import CarillonError, NotFound
from services.changes.looking import Look, News
from services.reading.visibility import sees

_NO_NEWS = News(frozenset(), {}, frozenset())

Outcome = Sequence[Frame] | CarillonError
Outcomes = Mapping[Listener, Outcome]


def carry_out(look: Look, now: float, listening: Collection[Listener], joining: Collection[Listener]) -> Outcomes:
    """Returns the frames for each listener; for one that joins and may not, the error."""
    whose: Whose = {}
    found = shares(look, now, listening, look.news(), whose)
    for comers in _by_cursor(joining):  # the news of one cursor at a time: those of a thousand do not fit in memory
        found += shares(look, now, comers, _missed(look, comers[0]), whose, join=True)
    current = Round(look, now)
    current.read(*_wanted(found))
    return {share.listener: _outcome(current, share, whose) for share in found}


def _by_cursor(joining: Iterable[Listener]) -> Collection[Sequence[Listener]]:
    """Returns the listeners that join, those together who were told equally much before."""
    found: dict[tuple[Cursor | None, bool], list[Listener]] = defaultdict(list)
    for one in joining:
        found[one.resumes_at, one.brings_unreadable_cursor].append(one)
    return found.values()


def _missed(look: Look, joining: Listener) -> News | None:
    """Returns what was changed since the cursor that a listener brings; nothing if it brings none."""
    if joining.resumes_at is None:
        return None if joining.brings_unreadable_cursor else _NO_NEWS
    return look.news_since(joining.resumes_at)


def _wanted(found: Iterable[Share]) -> tuple[set[UUID], set[UUID]]:
    """Returns the jobs and the runs to read: those in somebody's share, and those whose listeners must reload."""
    jobs: set[UUID] = set()
    runs: set[UUID] = set()
    added: set[Told] = set()
    for share in found:
        if share.told is None and share.listener.interest.job_id is not None:
            jobs.add(share.listener.interest.job_id)
        elif share.told and share.told not in added:  # an audience shares one
            added.add(share.told)
            jobs.update(share.told.jobs if share.listener.telling.wants_jobs else ())
            runs.update(share.told.runs if share.listener.telling.wants_runs else ())
    return jobs, runs


def _outcome(current: Round, share: Share, whose: Whose) -> Outcome:
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


def _expect_visible(listener: Listener, whose: Whose) -> None:
    """Raises `NotFound` for a job that is not there, or that the listener may not see."""
    job_id = listener.interest.job_id
    if job_id is None:
        return
    job = whose.get(job_id)
    if job is None or job.deleted_at is not None or not sees(listener.principal, job):
        raise NotFound("job", job_id)


def _expect_still_visible(listener: Listener, whose: Whose) -> None:
    """Raises `NotFound` for a job that the listener may not see any more: what it shows is about to be read anew."""
    job = None if listener.interest.job_id is None else whose.get(listener.interest.job_id)
    if job is not None and not sees(listener.principal, job):
        raise NotFound("job", job.id)
