"""The outbox: a Maildir under DATA_DIR that keeps e-mail while no mail server is configured."""

from __future__ import annotations

import email
import re
from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime
from email.message import EmailMessage
from email.policy import default
from email.utils import parsedate_to_datetime
from pathlib import Path
from uuid import UUID

from core.accounts import TOKEN_MARK
from core.errors import NotFound
from core.masking import MASK
from core.principals import Principal
from models.fields import new_id
from services.runtime import durable
from settings import Settings

_OURS = re.compile("[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}(:.*)?")  # others may put files there too
_TOKEN = re.compile(rf"{TOKEN_MARK}[A-Za-z0-9_-]{{20,}}")


@dataclass(frozen=True)
class StoredEmail:
    """An e-mail in the outbox, as a list shows it."""

    id: UUID
    sent_at: datetime
    sender: str
    recipient: str
    subject: str


@dataclass(frozen=True)
class WholeEmail:
    """An e-mail in the outbox; `html` is the alternative to its text, if it has one."""

    kept: StoredEmail
    headers: dict[str, str]
    text: str
    html: str | None


def keep(settings: Settings, message: bytes) -> None:
    """Put a message into the outbox, whole or not at all. Raises `OSError`."""
    folder = _folder(settings)
    for part in ("", "tmp", "new", "cur"):
        (folder / part).mkdir(mode=0o700, parents=True, exist_ok=True)
    name = str(new_id())  # ids made later sort later, as a list wants them
    with (folder / "tmp" / name).open("xb") as file:
        file.write(message)
        durable.sync(file)
    (folder / "tmp" / name).rename(folder / "new" / name)
    durable.sync_folder(folder / "new")


def newest(principal: Principal, settings: Settings, limit: int) -> list[StoredEmail]:
    """Returns the newest e-mails in the outbox, at most this many, as `one` shows each. Raises as it does."""
    principal.expect_administration()
    shown = _shown_to(principal)
    found = sorted(_found(settings, "*"), key=_id_of, reverse=True)
    return [_kept(_id_of(path), message, shown) for path in found[:limit] if (message := _read(path)) is not None]


def one(principal: Principal, settings: Settings, message_id: UUID) -> WholeEmail:
    """Returns the e-mail of this id. Raises `NotFound`, and `Forbidden` unless for administrators.

    Tokens of links are masked for those who may not make such links: with fewer scopes, or by a token that ends.
    """
    principal.expect_administration()
    shown = _shown_to(principal)
    message = next(filter(None, map(_read, _found(settings, f"{message_id}*"))), None)
    if message is None:
        raise NotFound("e-mail", message_id)
    return WholeEmail(
        _kept(message_id, message, shown),
        headers={name: shown(str(value)) for name, value in message.items()},
        text=shown(_body(message, "plain") or ""),
        html=None if (html := _body(message, "html")) is None else shown(html),
    )


def prune(settings: Settings, kept_before: datetime) -> int:
    """Delete the e-mails that were kept before an instant. Returns how many."""
    old = [path for path in _found(settings, "*") if _id_of(path).int >> 80 < kept_before.timestamp() * 1000]
    for path in old:
        path.unlink(missing_ok=True)
    return len(old)


def _folder(settings: Settings) -> Path:
    return settings.data_dir / "outbox"


def _found(settings: Settings, names: str) -> list[Path]:
    """Returns the files of our e-mails; a reader of Maildirs moves those it has seen, and adds marks to their names."""
    folder = _folder(settings)
    return [path for part in ("new", "cur") for path in (folder / part).glob(names) if _OURS.fullmatch(path.name)]


def _id_of(path: Path) -> UUID:
    return UUID(path.name.partition(":")[0])


def _read(path: Path) -> EmailMessage | None:
    """Returns the message in a file; None if a reader has just taken it away."""
    try:
        message: EmailMessage = email.message_from_bytes(path.read_bytes(), policy=default)
    except FileNotFoundError:
        return None
    return message


def _shown_to(principal: Principal) -> Callable[[str], str]:
    """Returns the function that masks an e-mail's text for a principal."""
    return str if principal.opens_accounts else _without_tokens


def _without_tokens(text: str) -> str:
    return _TOKEN.sub(MASK, text)


def _kept(message_id: UUID, message: EmailMessage, shown: Callable[[str], str]) -> StoredEmail:
    return StoredEmail(
        id=message_id,
        sent_at=parsedate_to_datetime(str(message["Date"])),
        sender=shown(str(message["From"])),
        recipient=shown(str(message["To"])),
        subject=shown(str(message["Subject"])),
    )


def _body(message: EmailMessage, kind: str) -> str | None:
    """Returns a text of a message. Transport ends each line with CRLF; here it ends with LF."""
    part = message.get_body((kind,))
    return None if part is None else str(part.get_content()).replace("\r\n", "\n")
