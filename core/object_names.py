"""Names of stored objects: unique, with a prefix per app and account; and the files' own names."""

from __future__ import annotations

import hashlib
import re
from urllib.parse import quote
from uuid import UUID

from core import names

LONGEST_FILE_NAME = 255
_LONGEST_KEPT = 100
_PLAIN = re.compile(r"[A-Za-z0-9_-]{1,64}")
_NOT_PLAIN = re.compile(r"[^A-Za-z0-9_-]+")
_NOT_IN_A_FALLBACK = re.compile(r'[^ -~]|["%\\]')
_ATTR_CHARS = "!#$&+-.^_`|~"  # of RFC 8187, besides letters and digits
_NOT_IN_A_FILE_NAME = re.compile(r"[^A-Za-z0-9._-]+")


def object_name(app_name: str, account_id: str, upload_id: UUID, file_name: str) -> str:
    """Returns the name under which an upload is stored."""
    return "/".join((folder(app_name), folder(account_id), str(upload_id), cleaned(file_name)))


def base_name(path: str) -> str:
    """Returns a file's name without folders, control characters and characters that reorder text."""
    last = re.split(r"[/\\]", path)[-1]
    return names.without_controls(last).strip()[-LONGEST_FILE_NAME:] or "file"


def disposition(file_name: str) -> str:
    """Returns the Content-Disposition that saves a file by its own name (RFC 6266, RFC 8187).

    The ASCII name in it is for old clients, some of which decode percent signs there, or cannot handle quotes.
    """
    plain = _NOT_IN_A_FALLBACK.sub("_", file_name)
    return f"attachment; filename=\"{plain}\"; filename*=UTF-8''{quote(file_name, safe=_ATTR_CHARS)}"


def cleaned(file_name: str) -> str:
    """Returns a file's name in plain characters, with its ending."""
    plain = _NOT_IN_A_FILE_NAME.sub("_", base_name(file_name)).lstrip(".")
    return plain[-_LONGEST_KEPT:].lstrip(".") or "file"


def is_plain(name: str) -> bool:
    """Whether a name can be used as a folder unchanged."""
    return _PLAIN.fullmatch(name) is not None


def folder(name: str) -> str:
    """Returns a folder that no other name has: a name that is not plain is followed by a full stop and its hash."""
    if is_plain(name):
        return name
    return f"{_NOT_PLAIN.sub('_', name)[:40]}.{hashlib.sha256(name.encode()).hexdigest()[:16]}"
