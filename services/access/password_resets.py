"""Resets of forgotten passwords: a link is recorded when it is requested, sent by e-mail, and can be used once.

The link's token is made when the e-mail is written, so the database holds no more than its hash. The
answer to a request and the time it takes do not show whether a user has the address.
"""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta

import structlog

from core import networks
from core.accounts import LinkPurpose
from core.auditing import Thing
from core.errors import Forbidden, PermanentFailure, TransientFailure
from core.letters import Letter, address_of, written
from core.principals import Principal, PrincipalKind
from core.token_hashes import hashed
from models import database, links, tokens, users
from models.pauses import Gate
from models.tables import Link, User
from services.access import links as issued
from services.access import passwords
from services.access.guesses import MAX_OF_ADDRESS
from services.access.login_throttle import Throttle
from services.access.tokens import made
from services.email import mail
from services.email.mail import Unreachable
from services.email.reaching import reached
from services.runtime.database_retry import retry_while_unavailable
from services.system import System

MAX_FOR_ADDRESS = 3
AGAIN_AFTER = timedelta(seconds=60)
_AT_ONCE = timedelta(0)
SUBJECT = "Set a New Password"
_TEXT = """\
Somebody, probably you, asked to set a new password for {username} at {server}.

Open this address within {minutes} minutes. It works once:

{link}

If it was not you, do nothing: your password stays as it is.
"""
log = structlog.get_logger()


def ask(system: System, email: str, address: str, throttle: Throttle) -> None:
    """Note that a user wants to set a new password, if there is one of this address.

    Raises `Forbidden` where no e-mail can be sent, `TooMany` after too many tries.
    """
    if not mail.can_send(system.settings):
        raise Forbidden("This server sends no e-mail (EMAIL_HOST is not set). Ask an administrator.")
    throttle.take(("reset from", networks.place(address)), MAX_OF_ADDRESS)
    throttle.take(("reset", email.lower()), MAX_FOR_ADDRESS)
    with system.transaction(Gate.UNUSED) as unit:
        user = users.by_email(email)
        expires_at = unit.now + issued.LIFETIMES[LinkPurpose.RESET]
        user_id = user.id if user is not None and user.password_hash else None  # single sign-on has none
        links.insert(LinkPurpose.RESET, unit.now, expires_at, user=user_id, created_by=address)


def redeem(principal: Principal, system: System, token: str, new: str, throttle: Throttle) -> None:
    """Set a new password by the token of a link, and end all sessions and tokens of the user.

    The links that the user made as an administrator end too. A link made by a user who is no longer an administrator
    is invalid.
    Raises `InvalidInput` if the link opens nothing, `TooMany` after too many tries.
    """
    throttle.take(("redeem", networks.place(principal.address or "")), MAX_OF_ADDRESS)
    with database.reading():
        issued.found(token, (LinkPurpose.RESET,), system.clock.now(), "token")
    password_hash = passwords.hashed(new)
    with system.transaction(Gate.UNUSED) as unit:
        link = issued.found(token, (LinkPurpose.RESET,), unit.now, "token")
        user = None if link.user_id is None else users.lock(link.user_id)  # first, or two links of one user deadlock
        issued.expect_made_by_right(system, link, "token")
        issued.spend(link, "token")
        if user is None:
            raise issued.spent("token")
        users.set_password(user.id, password_hash)
        tokens.remove_all(user.id)
        links.remove_of_user(user.id, issued.OF_ADMINISTRATORS)
        whoever = replace(principal, kind=PrincipalKind.USER, user_id=user.id, name=user.username, credential="link")
        unit.audit(whoever, "password.reset", Thing("user", user.username))


def send(system: System) -> int:
    """Send the oldest link that was asked for. Returns how many were taken up: 0 if none can be sent at present.

    One that is not sent is tried again, with another token, until half an hour has passed: those of a mailbox that the
    server defers after a minute, so that they hold up no other.
    """
    taken = _take(system)
    if taken is None:
        return 0
    link, user, token = taken
    try:
        with mail.sending(system.settings, lambda host, port: reached(system, host, port)) as sender:
            sender.send(written(_letter(system, link, user, token), system.clock.now()), user.email)
    except Unreachable as error:
        _put_off(system, link, _AT_ONCE, error)
        return 0
    except TransientFailure as error:
        _put_off(system, link, AGAIN_AFTER, error)
    except PermanentFailure as error:
        log.error("reset_refused", error=error.message)  # noqa: TRY400  the server's words say all
    return 1


def _take(system: System) -> tuple[Link, User, str] | None:
    """Mark the oldest link that is to be sent as sent. Returns it, its user and its token; None if there is none."""
    with system.transaction(Gate.UNUSED) as unit:
        links.prune(unit.now, 1_000)
        found = links.to_send(unit.now)
        if found is None:
            return None
        link, user = found
        token = made()
        links.set_sent(link, hashed(token), unit.now + issued.LIFETIMES[LinkPurpose.RESET])
    return link, user, token


def _put_off(system: System, link: Link, after: timedelta, error: TransientFailure) -> None:
    """Undo that a link was marked as sent, however long the database is away: nobody else would send it."""
    log.warning("reset_not_sent", error=error.message)

    def undo() -> None:
        with system.transaction(Gate.UNUSED) as unit:
            links.put_off(link, unit.now + after)

    retry_while_unavailable(undo)


def _letter(system: System, link: Link, user: User, token: str) -> Letter:
    sender = system.settings.email_from
    text = _TEXT.format(
        username=user.username,
        server=system.settings.address,
        minutes=issued.LIFETIMES[LinkPurpose.RESET] // timedelta(minutes=1),
        link=issued.address(system, LinkPurpose.RESET, token),
    )
    message_id = f"<reset.{link.id}@{address_of(sender).rpartition('@')[2]}>"
    return Letter(message_id=message_id, sender=sender, recipient=user.email, subject=SUBJECT, text=text)
