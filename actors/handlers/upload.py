"""`upload_file`: store an uploaded file permanently, from the spool here or on the host that received it."""

from __future__ import annotations

import tempfile
from collections.abc import Iterator
from contextlib import closing, contextmanager
from http import HTTPStatus
from http.client import HTTPException
from typing import IO

from actors.calls import exchange, trust
from actors.calls.connection import Line
from actors.calls.response import Response
from core.errors import AttemptError, NotFound, PermanentFailure, TransientFailure, Unavailable
from core.networks import ANYWHERE
from services.execution.work import Failed, Result, Succeeded, Work
from services.files import objects, spool, uploads
from services.files.uploads import UploadView
from services.runtime.abort_scope import AbortScope
from services.system import System

CONNECT_SECONDS = 5
READ_SECONDS = 15
_PIECE_BYTES = 256 * 1024


def perform(system: System, work: Work, scope: AbortScope) -> Result:
    """Store the file of a job, once. Raises `Aborted` when the scope is aborted."""
    try:
        upload = _upload(work)
        if not upload.is_stored:
            _store(system, upload, scope)
    except AttemptError as error:
        return Failed(error)
    except Unavailable as error:
        return Failed(TransientFailure(str(error)))
    message = f"Stored {upload.file_name} ({upload.size} bytes)."
    url = objects.file_url(system.settings, upload.object_name)
    return Succeeded(None, "", result={"message": message, "file_url": url})


def _upload(work: Work) -> UploadView:
    try:
        return uploads.of_job(work.job_id)
    except NotFound:
        raise PermanentFailure("The job has no file; send the file to POST /api/jobs/upload-file.") from None


def _store(system: System, upload: UploadView, scope: AbortScope) -> None:
    with spool.opened(system.settings, upload.id) or _fetched(system, upload, scope) as file:
        objects.put(system.settings, upload.object_name, file, upload.size, scope, saved_as=upload.file_name)
    scope.raise_if_aborted()
    uploads.mark_stored(system, upload.id)


@contextmanager
def _fetched(system: System, upload: UploadView, scope: AbortScope) -> Iterator[IO[bytes]]:
    """Returns the file from the host that received it, as a nameless file here."""
    with tempfile.TemporaryFile() as file:
        try:
            with _asked_for(system, upload, scope) as answer:
                _refuse_failure(answer, upload)
                _copy(answer, file, upload.size)
        except (HTTPException, OSError) as error:
            scope.raise_if_aborted()
            raise TransientFailure(
                f"{upload.file_name} could not be fetched from {upload.host_url}, which received it: "
                f"{str(error).rstrip('.') or type(error).__name__}. "
                "Set SPOOL_URL there to an address that workers can reach."
            ) from error
        scope.raise_if_aborted()
        if file.tell() != upload.size:
            raise TransientFailure(f"Of {upload.file_name} {file.tell()} bytes came, not {upload.size}.")
        file.seek(0)
        yield file


@contextmanager
def _asked_for(system: System, upload: UploadView, scope: AbortScope) -> Iterator[Response]:
    """Request the file from the host that has it, which is set by the operator, over a line that an abort cuts."""
    headers = {"Authorization": f"Bearer {uploads.grant(system, upload.id)}", "Accept-Encoding": "identity"}
    target = exchange.target_of(f"{upload.host_url}/internal/spool/{upload.id}")
    context = trust.context(system.settings.ca_bundle) if target.scheme == "https" else None
    with closing(Line(CONNECT_SECONDS, READ_SECONDS, ANYWHERE)) as line, scope.interruptible(line.cut):
        try:
            wire = exchange.open_wire(line, target, context)
        except TransientFailure as error:
            raise ConnectionError(error.message) from error
        wire.socket.settimeout(READ_SECONDS)
        yield exchange.ask(wire, "GET", target, {**headers, "Connection": "close"}, None)


def _copy(answer: Response, file: IO[bytes], size: int) -> None:
    """Copy the answer's body, and at most one byte more than the file should have."""
    while wanted := size + 1 - file.tell():
        piece = answer.read(min(wanted, _PIECE_BYTES))
        if not piece:
            return
        _keep(piece, file)


def _keep(piece: bytes, file: IO[bytes]) -> None:
    try:
        file.write(piece)
        file.flush()
    except OSError as error:
        raise TransientFailure(f"The worker's disk does not take the file: {error.strerror or error}.") from error


def _refuse_failure(answer: Response, upload: UploadView) -> None:
    if answer.status == HTTPStatus.OK:
        return
    failure = PermanentFailure if answer.status == HTTPStatus.NOT_FOUND else TransientFailure
    raise failure(
        f"{upload.file_name} is neither in the spool here nor in that of {upload.host_url} "
        f"(which answered {answer.status}). A file is kept until its job is over; after that, send it again."
    )
