"""Queries on idempotency keys: the answers given under them."""

from __future__ import annotations

from datetime import datetime
from typing import Any

import peewee
from psycopg2.errors import LockNotAvailable

from core.errors import Conflict
from models.tables import IdempotencyKey


def take(scope: str, key: str, fingerprint: str, now: datetime, made_before: datetime) -> bool:
    """Take a key for this transaction. Returns whether it was free: the key is new, or older than an instant.

    Waits for another transaction that holds the key. Raises `Conflict` when that takes too long.
    """
    mine = {"fingerprint": fingerprint, "answer": None, "created_at": now}
    query = (
        IdempotencyKey.insert(scope=scope, key=key, **mine)
        .on_conflict(
            conflict_target=[IdempotencyKey.scope, IdempotencyKey.key],
            update=mine,
            where=IdempotencyKey.created_at <= made_before,
        )
        .returning(IdempotencyKey.key)
    )
    try:
        return bool(list(query.execute()))
    except peewee.OperationalError as error:
        if isinstance(error.__context__, LockNotAvailable):
            raise Conflict(
                f"The first request with the Idempotency-Key {key!r} is still under way; try again in a moment."
            ) from error
        raise


def taken(scope: str, key: str) -> IdempotencyKey | None:
    """Returns a key that an earlier transaction took, with its answer; None if it was pruned meanwhile."""
    found: IdempotencyKey | None = IdempotencyKey.get_or_none(IdempotencyKey.scope == scope, IdempotencyKey.key == key)
    return found


def set_answer(scope: str, key: str, answer: Any) -> None:
    """Store the answer given under a key that this transaction took."""
    IdempotencyKey.update(answer=answer).where(IdempotencyKey.scope == scope, IdempotencyKey.key == key).execute()


def prune(made_before: datetime, limit: int) -> int:
    """Delete keys that were made before an instant, oldest first. Returns how many."""
    old = (
        IdempotencyKey.select(IdempotencyKey.scope, IdempotencyKey.key)
        .where(IdempotencyKey.created_at <= made_before)
        .order_by(IdempotencyKey.created_at)
        .limit(limit)
    )
    pair = peewee.Tuple(IdempotencyKey.scope, IdempotencyKey.key)
    return int(IdempotencyKey.delete().where(pair.in_(old)).execute())
