"""The outbox: a Maildir under DATA_DIR, where e-mail is kept that no server is there to send."""

from __future__ import annotations

import email
import mailbox
import os
import re
from dataclasses import dataclass
from datetime import datetime
from email.message import EmailMessage
from email.policy import default
from email.utils import parsedate_to_datetime
from pathlib import Path
from uuid import UUID

from core.errors import NotFound
from models.fields import new_id
from settings import Settings

_OURS = re.compile("[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}")  # others may put files there too


@dataclass(frozen=True)
class Kept:
    """An e-mail in the outbox, as a list shows it."""

    id: UUID
    sent_at: datetime
    sender: str
    recipient: str
    subject: str


@dataclass(frozen=True)
class KeptWhole:
    """An e-mail in the outbox; `html` is the alternative to its text, if it has one."""

    kept: Kept
    headers: dict[str, str]
    text: str
    html: str | None


def keep(settings: Settings, message: EmailMessage) -> None:
    """Put a message into the outbox, whole or not at all. Raises `OSError`."""
    folder = _folder(settings)
    mailbox.Maildir(folder, create=True)
    name = str(new_id())  # ids made later sort later, as a list wants them
    with (folder / "tmp" / name).open("xb") as file:
        file.write(message.as_bytes())
        file.flush()
        os.fsync(file.fileno())
    (folder / "tmp" / name).rename(folder / "new" / name)


def newest(settings: Settings, limit: int) -> list[Kept]:
    """The e-mails in the outbox, newest first, at most so many."""
    try:
        names = [path.name for path in (_folder(settings) / "new").iterdir() if _OURS.fullmatch(path.name)]
    except FileNotFoundError:
        return []
    return [_kept(UUID(name), _read(settings, name)) for name in sorted(names, reverse=True)[:limit]]


def one(settings: Settings, message_id: UUID) -> KeptWhole:
    """The e-mail of this id. Raises `NotFound`."""
    try:
        message = _read(settings, str(message_id))
    except FileNotFoundError:
        raise NotFound("e-mail", message_id) from None
    return KeptWhole(
        _kept(message_id, message),
        headers={name: str(value) for name, value in message.items()},
        text=_body(message, "plain") or "",
        html=_body(message, "html"),
    )


def _folder(settings: Settings) -> Path:
    return settings.data_dir / "outbox"


def _read(settings: Settings, name: str) -> EmailMessage:
    content = (_folder(settings) / "new" / name).read_bytes()
    message: EmailMessage = email.message_from_bytes(content, policy=default)
    return message


def _kept(message_id: UUID, message: EmailMessage) -> Kept:
    return Kept(
        id=message_id,
        sent_at=parsedate_to_datetime(str(message["Date"])),
        sender=str(message["From"]),
        recipient=str(message["To"]),
        subject=str(message["Subject"]),
    )


def _body(message: EmailMessage, kind: str) -> str | None:
    part = message.get_body((kind,))
    return None if part is None else str(part.get_content())
