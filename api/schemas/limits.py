"""Limits by key as callers write them and get them."""

from __future__ import annotations

from dataclasses import asdict
from datetime import datetime
from typing import Annotated, Self
from uuid import UUID

from pydantic import Field, model_validator

from api.schemas.paging import Limit as PageLimit
from api.schemas.paging import Query
from api.schemas.values import Given, Instant, Shown
from core import limits
from core.fairness import MAX_WEIGHT, MIN_WEIGHT
from core.limit_keys import KEY_LENGTH
from core.rates import Rate
from services.reading.limit_uses import Uses
from services.reading.limits import LimitView

MOST = 1_000_000
LONGEST_SECONDS = 86_400


class GivenRate(Given):
    """At most this many calls within any span of this many seconds: each counts until that span after its end."""

    calls: Annotated[int, Field(ge=1, le=MOST)]
    per_seconds: Annotated[int, Field(ge=1, le=LONGEST_SECONDS)]


class NewLimit(Given):
    """The limit of a key: runs at once, a rate of calls, or both; optionally with an end.

    `weight` is for an account, or an app that all users share: while others wait for workers too, it gets so many times
    the threads of one that has none. It may be put alone, and then limits nothing. Without it, that of the key stays.
    """

    concurrency: Annotated[int, Field(ge=1, le=MOST)] | None = None
    rate: GivenRate | None = None
    weight: Annotated[float, Field(ge=MIN_WEIGHT, le=MAX_WEIGHT)] | None = None
    expires_at: Instant | None = None

    @model_validator(mode="after")
    def _limits_something(self) -> Self:
        if self.concurrency is None and self.rate is None and self.weight is None:
            raise ValueError("limits nothing; give concurrency, rate, weight, or several of them.")
        return self

    def parsed(self) -> limits.Limit:
        """Returns this as the services take it."""
        rate = None if self.rate is None else Rate(self.rate.calls, self.rate.per_seconds)
        return limits.Limit(self.concurrency, rate, self.expires_at, weight=self.weight)


class LimitsQuery(Query):
    """Which part of the list: the keys after this one."""

    after: Annotated[str, Field(max_length=KEY_LENGTH)] = ""
    limit: PageLimit = 50


class ShownRate(Shown):
    """At most this many calls within any span of this many seconds."""

    calls: int
    per_seconds: int


class LimitOfKey(Shown):
    """A limited key and its use. `is_default`: by ACCOUNT_RATE. `ended`: calls that still count for the rate.

    `room` is how many more calls may begin now, null where only a weight is put; while it is 0, `next_room_at` says
    when the rate has room again. `waiting` counts the runs that it holds, up to 1,000. `weight_put_by` is the
    administrator who put a weight below 1: owners cannot change it, nor delete the limit or give it another end.
    `drained_in_seconds` forecasts how long until the last of the waiting runs begins, if their calls are short and no
    others come; at least so long once `waiting` is 1,000. It is null if nothing waits, without a rate, with a
    `concurrency` below the calls of the rate, if the limit expires before, and while the app or everything is paused.
    """

    key: str
    concurrency: int | None
    rate: ShownRate | None
    weight: float | None
    weight_put_by: str | None
    expires_at: datetime | None
    is_default: bool
    running: int
    ended: int
    room: int | None
    next_room_at: datetime | None
    waiting: int
    drained_in_seconds: float | None


class CallUnderWay(Shown):
    """A run with a call under way; `ends_by` is when it ends at the latest, null where that is not known.

    That is at its time limit; of a run that waits for its receiver's report, once none has come.
    """

    run_id: UUID
    ends_by: datetime | None


class CountedCall(Shown):
    """A run with a call that has ended and counts against the rate until `free_at`."""

    run_id: UUID
    ended_at: datetime
    free_at: datetime


class HeldLimit(LimitOfKey):
    """A limited key, its use, and who uses it: the first 20 calls under way, and those that ended and still count.

    Only runs that the caller may see are listed; `holders` are those of `under_way`. The first of `still_counted` is
    the first to be free.
    """

    holders: list[UUID]
    under_way: list[CallUnderWay]
    still_counted: list[CountedCall]


def show(view: LimitView) -> LimitOfKey:
    """Returns a limited key as callers get it."""
    rate = None if view.rate is None else ShownRate(calls=view.rate.calls, per_seconds=view.rate.seconds)
    return LimitOfKey(**{**asdict(view), "rate": rate})


def show_with_uses(view: LimitView, uses: Uses) -> HeldLimit:
    """Returns a limited key with who uses it, as callers get it."""
    return HeldLimit(
        **show(view).model_dump(),
        holders=[one.run.id for one in uses.under_way],
        under_way=[CallUnderWay(run_id=one.run.id, ends_by=one.ends_by) for one in uses.under_way],
        still_counted=[
            CountedCall(run_id=one.run.id, ended_at=one.ended_at, free_at=one.free_at) for one in uses.still_counted
        ],
    )


class LimitPage(Shown):
    """Limited keys, by name; `next` is the path of the rest."""

    next: str | None
    results: list[LimitOfKey]
