"""Links to files that this server keeps itself: signed, and good until they expire."""

from __future__ import annotations

import os
import secrets
from contextlib import suppress
from datetime import datetime
from pathlib import Path
from typing import IO
from urllib.parse import quote, urlencode

from core import signing
from core.errors import Forbidden, NotFound
from services.files import objects
from services.runtime import durable
from settings import Settings

_PURPOSE = "download"
_KEY_FILE = "links.key"
_KEY_BYTES = 32


def link(settings: Settings, name: str, expires_at: datetime, saved_as: str) -> str:
    """Returns a link by which anyone may read a file until it expires; it names the file for saving."""
    expires = str(int(expires_at.timestamp()))
    signature = signing.sign(_key(settings), _PURPOSE, name, expires, saved_as)
    query = urlencode({"expires": expires, "file_name": saved_as, "signature": signature})
    return f"{settings.address}/files/{quote(name)}?{query}"


def opened(settings: Settings, name: str, expires: str, signature: str, *, saved_as: str, now: datetime) -> IO[bytes]:
    """Returns the opened file of a link. Raises `Forbidden` if the link is not ours or has expired, and `NotFound`."""
    if not signing.is_signed(_key(settings), signature, _PURPOSE, name, expires, saved_as):
        raise Forbidden("The link is not one of this server's. Ask for a new one: GET /api/jobs/{id}/download-url.")
    if now.timestamp() >= int(expires):
        raise Forbidden("The link has expired. Ask for a new one: GET /api/jobs/{id}/download-url.")
    try:
        return (objects.folder(settings) / name).open("rb")
    except OSError:
        raise NotFound("file", name) from None


def _key(settings: Settings) -> bytes:
    """Returns the key of this installation's links, made at first use, in the folder of the files.

    Raises `Forbidden` if it is cut short: whoever guessed it, above all an empty one, could sign links.
    """
    path = settings.data_dir / _KEY_FILE
    try:
        key = path.read_bytes()
    except FileNotFoundError:
        key = _made(path)
    if len(key) != _KEY_BYTES:
        raise Forbidden(f"The key of the links, DATA_DIR/{_KEY_FILE}, is damaged. Delete it: a new one is made.")
    return key


def _made(path: Path) -> bytes:
    """Make a key. Returns the one made first, if several processes make one at a time."""
    path.parent.mkdir(parents=True, exist_ok=True)
    draft = path.with_name(f"{path.name}.{secrets.token_hex(8)}")
    with os.fdopen(os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "wb") as file:
        file.write(secrets.token_bytes(_KEY_BYTES))
        durable.sync(file)
    with suppress(FileExistsError):
        path.hardlink_to(draft)
    draft.unlink()
    durable.sync_folder(path.parent)
    return path.read_bytes()
