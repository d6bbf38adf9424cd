"""A round: one look, distributed among the listeners. Rows that no listener wants or may see are not read."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Collection, Iterable, Mapping, Sequence
from uuid import UUID

import structlog

from api.lists import UNREADABLE
from api.live.frames import Frame, Round, Told
from api.live.listeners import Listener
from api.live.shares import Share, Whose, shares
from core.cursors import Cursor
from core.errors import CarillonError, NotFound, Unavailable
from services.changes.looking import Look, Missed, News
from services.reading.visibility import sees

_NO_NEWS = News(frozenset(), {}, frozenset())
_FAILED = "The live channel cannot show what was changed; read it again, and connect again."
log = structlog.get_logger()

FramesOrError = Sequence[Frame] | CarillonError
FramesByListener = Mapping[Listener, FramesOrError]


def carry_out(
    look: Look, now: float, listening: Collection[Listener], joining: Collection[Listener]
) -> FramesByListener:
    """Returns the frames for each listener, or the error for one that joins without being allowed to."""
    whose: Whose = {}
    found = shares(look, now, listening, look.news(), whose)
    missed = _read_again(look, joining)
    for comers in _by_cursor(joining):  # the news of one cursor at a time: those of a thousand do not fit in memory
        found += shares(look, now, comers, _missed(missed, comers[0]), whose, join=True)
    current = Round(look, now)
    current.read(*_wanted(found))
    return {share.listener: _frames_or_error(current, share, whose) for share in found}


def _by_cursor(joining: Iterable[Listener]) -> Collection[Sequence[Listener]]:
    """Returns the listeners that join, grouped by cursor."""
    found: dict[tuple[Cursor | None, bool], list[Listener]] = defaultdict(list)
    for one in joining:
        found[one.resumes_at, one.brings_unreadable_cursor].append(one)
    return found.values()


def _read_again(look: Look, joining: Iterable[Listener]) -> Missed | None:
    """Returns the changes since the listeners' cursors, read together; None if they have none."""
    cursors = {one.resumes_at for one in joining if one.resumes_at is not None}
    return look.missed(cursors) if cursors else None


def _missed(missed: Missed | None, joining: Listener) -> News | None:
    """Returns the changes since a listener's cursor; nothing if it has none."""
    if joining.resumes_at is None:
        return None if joining.brings_unreadable_cursor else _NO_NEWS
    return None if missed is None else missed.since(joining.resumes_at)


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


def _frames_or_error(current: Round, share: Share, whose: Whose) -> FramesOrError:
    listener = share.listener
    telling, principal = listener.telling, listener.principal
    is_told = share.told is not None and (not telling.tells_long_values or current.is_whole(share.told))
    try:
        begun: Sequence[Frame] = ()
        if share.joins:
            _expect_visible(listener, whose)
            begun = telling.begin(current, principal)
        if share.told is None or not is_told:
            _expect_still_visible(listener, whose)
            told = telling.reset(current, principal)
        else:
            told = telling.tell(current, principal, share.told) if share.told else ()
        return [*begun, *told, *telling.tell_due(current, principal)]
    except CarillonError as error:
        return error
    except UNREADABLE:  # ends this listener alone; an error of the database ends the look, which reads all of it again
        log.exception("live_frames_failed", job_id=str(listener.interest.job_id or ""))
        return Unavailable(_FAILED)


def _expect_visible(listener: Listener, whose: Whose) -> None:
    """Raises `NotFound` for a job that does not exist, or that the listener may not see."""
    job_id = listener.interest.job_id
    if job_id is None:
        return
    job = whose.get(job_id)
    if job is None or job.deleted_at is not None or not sees(listener.principal, job):
        raise NotFound("job", job_id)


def _expect_still_visible(listener: Listener, whose: Whose) -> None:
    """Raises `NotFound` for a job that the listener may no longer see, before it is told to reload."""
    job = None if listener.interest.job_id is None else whose.get(listener.interest.job_id)
    if job is not None and not sees(listener.principal, job):
        raise NotFound("job", job.id)
