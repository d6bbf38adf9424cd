"""Queries on the buckets of callers' requests, which all web processes share."""

from __future__ import annotations

from datetime import datetime
from uuid import UUID

from core.buckets import Bucket
from models.database import for_update
from models.tables import RequestBucket


def lock(caller_id: UUID, most: int, now: datetime) -> Bucket:
    """Returns a caller's bucket, locked until the transaction ends; a full one for a caller without one."""
    new = RequestBucket.insert(caller_id=caller_id, left_over=float(most), taken_at=now)
    # An existing row is locked at once, or it could be pruned before it is read.
    same = {RequestBucket.taken_at: RequestBucket.taken_at}
    new.on_conflict(conflict_target=[RequestBucket.caller_id], update=same).execute()
    [row] = for_update(RequestBucket.select().where(RequestBucket.caller_id == caller_id))
    return Bucket(most, row.left_over, row.taken_at)


def put(caller_id: UUID, bucket: Bucket) -> None:
    """Store a locked bucket."""
    RequestBucket.update(left_over=bucket.left, taken_at=bucket.at).where(
        RequestBucket.caller_id == caller_id
    ).execute()


def prune(taken_before: datetime, limit: int) -> int:
    """Delete buckets that were not used since an instant. Returns how many."""
    old = RequestBucket.select(RequestBucket.caller_id).where(RequestBucket.taken_at < taken_before).limit(limit)
    return int(RequestBucket.delete().where(RequestBucket.caller_id.in_(old)).execute())
