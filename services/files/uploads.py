"""Uploads: a received file becomes a job, is stored under a name of its own, and can be downloaded by a link."""

from __future__ import annotations

import hmac
import secrets
from collections.abc import Collection
from dataclasses import dataclass, replace
from datetime import timedelta
from typing import IO
from uuid import UUID

from core import object_names
from core.errors import Conflict, Forbidden, NotFound
from core.principals import Principal
from core.scopes import Scope
from core.token_hashes import hashed
from models import database, installation, uploads
from models.pauses import Gate
from models.tables import Upload
from services.files import download_links, objects, spool
from services.files.spool import Incoming
from services.jobs import creating, ownership
from services.jobs.definition import NewJob
from services.reading import visibility
from services.system import System
from services.task_types import upload_file

LINK_LASTS = timedelta(seconds=3600)
_TOKEN_BYTES = 32


@dataclass(frozen=True)
class UploadView:
    """A file that a job is about, and the host whose spool has it until it is stored."""

    id: UUID
    file_name: str
    size: int
    host_url: str
    object_name: str
    is_stored: bool


def incoming(system: System) -> Incoming:
    """Begin to receive a file in this installation's part of the spool. Raises `DiskUnavailable`."""
    return Incoming(system.settings, _identity())


def expect_permitted(principal: Principal, new: NewJob) -> None:
    """Raises `Forbidden` unless a principal may make the job of a file, whatever the file."""
    if not isinstance(ownership.permitted(principal, new), NewJob):
        raise Forbidden(f"Files are uploaded by users, and by keys of the whole app {new.app_name}.")


def accept(principal: Principal, system: System, new: NewJob, file: Incoming, file_name: str) -> UUID:
    """Create the job of a received file, and leave the file to it once that is committed. Returns the job's id.

    Raises as `jobs.create` does, and `Forbidden` if too many bytes of the owner wait to be stored. After `Unavailable`
    the job may be there: then the caller must release the file, not drop it.
    """
    if new.owner_id is not None:
        refuse_too_much(system, waiting_of(new.owner_id), file.size)
    name = object_names.base_name(file_name)
    wanted = replace(
        new, task_type=upload_file.KEY, data={"upload_id": str(file.id), "file_name": name, "size": file.size}
    )
    values = {
        "id": file.id,
        "file_name": name,
        "size": file.size,
        "host_url": system.settings.spool_address,
        "object_name": object_names.object_name(new.app_name, new.account_id, file.id, name),
        "created_at": system.clock.now(),
    }
    job_id = creating.create(principal, system, wanted, also=lambda job_id: uploads.insert({**values, "job": job_id}))
    database.after_commit(file.release)  # a file that is released without a job is swept
    return job_id


def of_job(job_id: UUID) -> UploadView:
    """Returns the file that a job is about. Raises `NotFound`."""
    with database.reading():
        found = uploads.of_job(job_id)
    if found is None:
        raise NotFound("file of the job", job_id)
    return _view(found)


def mark_stored(system: System, upload_id: UUID) -> None:
    """Record that an upload is stored; the spool no longer needs the file."""
    with system.transaction(Gate.UNUSED):
        uploads.mark_stored(upload_id, system.clock.now())
    spool.remove(system.settings, upload_id)


def download_url(principal: Principal, system: System, job_id: UUID) -> str:
    """Returns a link by which anyone may download a job's file for an hour.

    Raises `NotFound` if the job has no file, `Conflict` while that is not stored.
    """
    visibility.expect(principal, job_id, Scope.READ)
    upload = of_job(job_id)
    if not upload.is_stored:
        raise Conflict(f"The file of job {job_id} is not stored; wait until the job is completed.")
    signed = objects.signed_url(system.settings, upload.object_name, LINK_LASTS)
    until = system.clock.now() + LINK_LASTS
    return signed or download_links.link(system.settings, upload.object_name, until, upload.file_name)


def grant(system: System, upload_id: UUID) -> str:
    """Returns a new token by which a worker may fetch a file from its host; only the hash of the last one is kept."""
    token = secrets.token_urlsafe(_TOKEN_BYTES)
    with system.transaction(Gate.UNUSED):
        uploads.grant(upload_id, hashed(token))
    return token


def opened(system: System, upload_id: UUID, token: str) -> IO[bytes]:
    """Returns the opened file of an upload in this host's spool, given its token. Raises `NotFound`."""
    with database.reading():
        found = uploads.by_id(upload_id)
    allowed = found is not None and hmac.compare_digest(found.fetch_hash or "", hashed(token))
    file = spool.opened(system.settings, upload_id) if allowed else None
    if file is None:
        raise NotFound("file in the spool of this host with that token:", upload_id)
    return file


def sweep(system: System) -> int:
    """Remove files from this host's spool that are stored, given up, or left by a dead process. Returns how many."""

    def needed(upload_ids: Collection[UUID]) -> set[UUID]:
        with database.reading():
            return uploads.still_needed(upload_ids)

    return spool.sweep(system.settings, _identity(), needed)


def _identity() -> str:
    with database.reading():
        return installation.identity()


def waiting_of(owner_id: UUID) -> int:
    """Returns how many bytes of a user's files wait in the spools."""
    with database.reading():
        return uploads.waiting_bytes(owner_id)


def refuse_too_much(system: System, waiting: int, size: int, spare: int = 0) -> None:
    """Raises `Forbidden` if `size` more bytes would exceed what may wait of a user, plus `spare`."""
    most = system.settings.max_waiting_upload_bytes
    if waiting + size > most + spare:
        raise Forbidden(
            f"{waiting} bytes of your files wait to be stored, and {size} more would exceed "
            f"MAX_WAITING_UPLOAD_BYTES={most}. Wait until they are stored, or delete such a job."
        )


def _view(found: Upload) -> UploadView:
    return UploadView(
        id=found.id,
        file_name=found.file_name,
        size=found.size,
        host_url=found.host_url,
        object_name=found.object_name,
        is_stored=found.stored_at is not None,
    )
