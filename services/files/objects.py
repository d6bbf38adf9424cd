"""Stores files for good: in a bucket of S3 or of a compatible server, or in a folder if no bucket is named."""

from __future__ import annotations

import asyncio
import contextlib
import time
from datetime import timedelta
from pathlib import Path
from typing import IO, Any
from urllib.parse import quote

import obstore
from obstore.store import LocalStore, S3Store

from core import object_names
from core.errors import AttemptError, PermanentFailure, TransientFailure
from services.runtime import durable
from services.runtime.abort_scope import AbortScope
from settings import Settings

PIECE_BYTES = 5 * 1024 * 1024  # the least that S3 takes for a part
PIECES_AT_ONCE = 2
_ANSWER_SECONDS = 60
_LEFT_SECONDS = 3600.0  # a file that nobody has written to for so long was left behind
_RETRIES = 2  # within one attempt; the rest is for the run's own policy
_HOPELESS = (FileNotFoundError, PermissionError, obstore.exceptions.UnauthenticatedError)


def put(settings: Settings, name: str, file: IO[bytes], size: int, scope: AbortScope, *, saved_as: str = "") -> None:
    """Store a file under a name, whole or not at all, in pieces so that it is never all in memory.

    A bucket offers it for saving under the name `saved_as`.
    What is stored outlasts a crash of the machine. Raises `Aborted` as soon as the scope is stopped, and
    `TransientFailure` or `PermanentFailure`.
    """
    try:
        if settings.aws_storage_bucket_name is not None:
            asyncio.run(_put(store(settings), name, file, size, scope, saved_as=saved_as))
        else:
            _put_into_folder(folder(settings), name, file, size, scope)
    except asyncio.CancelledError:
        scope.raise_if_aborted()
        raise
    except (obstore.exceptions.BaseError, OSError) as error:
        scope.raise_if_aborted()
        raise _failure(settings, error) from error


def file_url(settings: Settings, name: str) -> str:
    """Returns the address of an object, which not everyone may read."""
    path = quote(name)
    bucket = settings.aws_storage_bucket_name
    if bucket is None:
        return f"{settings.address}/files/{path}"
    if settings.aws_endpoint_url is not None:
        return f"{settings.aws_endpoint_url.rstrip('/')}/{bucket}/{path}"
    return f"https://{bucket}.s3.{settings.aws_region}.amazonaws.com/{path}"


def signed_url(settings: Settings, name: str, expires_in: timedelta) -> str | None:
    """Returns a URL by which anyone may read an object of the bucket until it expires; None without a bucket."""
    if settings.aws_storage_bucket_name is None:
        return None
    return obstore.sign(_bucket(settings), "GET", name, expires_in)


def store(settings: Settings) -> S3Store | LocalStore:
    """Returns where objects are kept: the bucket, or the folder in its place."""
    if settings.aws_storage_bucket_name is not None:
        return _bucket(settings)
    return LocalStore(folder(settings), mkdir=True)


def place(settings: Settings) -> str:
    """Returns where objects are kept, in words."""
    bucket = settings.aws_storage_bucket_name
    return "DATA_DIR/files" if bucket is None else f"the bucket {bucket}"


def words(error: Exception) -> str:
    """Returns the first line of an error: further lines are for the developers of obstore."""
    return (str(error).strip().splitlines() or [type(error).__name__])[0].rstrip(": ")


def folder(settings: Settings) -> Path:
    """Returns the folder that keeps objects if no bucket is named."""
    return settings.data_dir / "files"


def _put_into_folder(top: Path, name: str, file: IO[bytes], size: int, scope: AbortScope) -> None:
    path = top / name
    _remove_what_was_left(path)
    asyncio.run(_put(LocalStore(top, mkdir=True), name, file, size, scope))
    if (there := path.stat().st_size) != size:  # another process wrote the same name at the same time
        raise OSError(f"{name} has {there} bytes in the folder, not {size}")
    with path.open("rb") as stored:
        durable.sync(stored)
    for one in path.parents:
        durable.sync_folder(one)
        if one == top:
            return


def _remove_what_was_left(path: Path) -> None:
    """Remove what attempts that were killed had begun to write beside a file: under its name, or long ago."""
    for left in path.parent.glob("*#*"):
        with contextlib.suppress(FileNotFoundError):
            if left.name.startswith(f"{path.name}#") or time.time() - left.stat().st_mtime > _LEFT_SECONDS:
                left.unlink()


async def _put(
    store: S3Store | LocalStore,
    name: str,
    file: IO[bytes],
    size: int,
    scope: AbortScope,
    *,
    saved_as: str = "",
) -> None:
    in_parts = size > PIECE_BYTES
    task: asyncio.Future[Any] = asyncio.ensure_future(
        obstore.put_async(
            store,
            name,
            file,
            attributes={"Content-Disposition": object_names.disposition(saved_as)} if saved_as else None,
            use_multipart=in_parts,
            chunk_size=PIECE_BYTES,
            max_concurrency=PIECES_AT_ONCE,
        )
    )
    loop = asyncio.get_running_loop()

    def cancel() -> None:
        with contextlib.suppress(RuntimeError):  # the loop is closed: the work is done
            loop.call_soon_threadsafe(task.cancel)

    with scope.interruptible(cancel):
        await task


def _bucket(settings: Settings) -> S3Store:
    secret = settings.aws_secret_access_key
    endpoint = settings.aws_endpoint_url
    given: dict[str, Any] = {
        "region": settings.aws_region,
        "access_key_id": settings.aws_access_key_id,
        "secret_access_key": None if secret is None else secret.get_secret_value(),
        "endpoint": endpoint,
    }
    return S3Store(
        settings.aws_storage_bucket_name,
        **{name: value for name, value in given.items() if value is not None},
        client_options={
            "allow_http": endpoint is not None and endpoint.startswith("http://"),
            "timeout": timedelta(seconds=_ANSWER_SECONDS),
        },
        retry_config={"max_retries": _RETRIES, "retry_timeout": timedelta(seconds=_ANSWER_SECONDS)},
    )


def _failure(settings: Settings, error: Exception) -> AttemptError:
    message = f"The file could not be stored in {place(settings)}: {words(error)}."
    if settings.aws_storage_bucket_name and isinstance(error, _HOPELESS):
        return PermanentFailure(f"{message} Look at the AWS_ settings.")
    return TransientFailure(message)
