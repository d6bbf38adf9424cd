"""Queries on uploads."""

from __future__ import annotations

from collections.abc import Collection
from datetime import datetime
from typing import Any
from uuid import UUID

import peewee

from core.states import ENDED
from models.tables import Job, Upload

_WAITS = (Upload.stored_at.is_null(), Job.state.not_in(ENDED), Job.deleted_at.is_null())


def insert(values: dict[str, Any]) -> None:
    """Store an upload, with its job."""
    Upload.insert(values).execute()


def of_job(job_id: UUID) -> Upload | None:
    """Returns the upload of a job."""
    return Upload.get_or_none(Upload.job == job_id)


def by_id(upload_id: UUID) -> Upload | None:
    """Returns the upload of this id."""
    return Upload.get_or_none(Upload.id == upload_id)


def grant(upload_id: UUID, fetch_hash: str) -> None:
    """Store the hash of the token by which the file may be fetched; it replaces the last one."""
    Upload.update(fetch_hash=fetch_hash).where(Upload.id == upload_id).execute()


def mark_stored(upload_id: UUID, now: datetime) -> None:
    """Record that the object is stored."""
    Upload.update(stored_at=now).where(Upload.id == upload_id).execute()


def still_needed(upload_ids: Collection[UUID]) -> set[UUID]:
    """Returns which of these uploads must still be stored: they are not stored yet, and their job is not over."""
    query = Upload.select(Upload.id).join(Job).where(Upload.id.in_(list(upload_ids)), *_WAITS)
    return {upload.id for upload in query}


def waiting_bytes(owner_id: UUID) -> int:
    """Returns how many bytes of a user's files must still be stored."""
    total = peewee.fn.COALESCE(peewee.fn.SUM(Upload.size), 0)
    return int(Upload.select(total).join(Job).where(Job.owner_id == owner_id, *_WAITS).scalar())
