"""Sends e-mail: to the SMTP server that the settings name, or, embedded without one, into the outbox."""

from __future__ import annotations

import contextlib
import smtplib
from collections.abc import Iterator
from typing import Protocol

from core.errors import AttemptError, PermanentFailure, TransientFailure
from core.letters import address_of
from services.email import outbox
from services.email.smtp_client import TROUBLES, Client, Reach
from settings import Settings

NO_SERVER = "EMAIL_HOST is not set, so there is no server to send e-mail through; set it, or run embedded."
LONGEST_WORDS = 500

_REFUSED_FOR_GOOD = 500
_OF_THE_MESSAGE = frozenset(range(400, 600)) - {421, 503}  # of the connection: it is closed, or out of step


class Unreachable(TransientFailure):
    """The mail server cannot be reached: what was not sent yet is not sent now."""


class _Broken(TransientFailure):
    """The connection is broken; the message itself may be valid."""


class Sender(Protocol):
    """Sends messages, one after the other."""

    def send(self, message: bytes, recipient: str) -> None:
        """Hand a message over to the server.

        Raises `PermanentFailure` with the server's words if it is refused, `TransientFailure` if it may be
        taken later, and `Unreachable` if nothing can be sent at present.
        """
        ...


def can_send(settings: Settings) -> bool:
    """Whether there is anywhere to send e-mail to."""
    return settings.email_host is not None or settings.embedded


@contextlib.contextmanager
def sending(settings: Settings, reach: Reach) -> Iterator[Sender]:
    """Yields a sender whose messages share one connection, which `reach` opens for the first of them.

    Raises `PermanentFailure` if there is no server to send through.
    """
    if not can_send(settings):
        raise PermanentFailure(NO_SERVER)
    if settings.email_host is None:
        yield _ToOutbox(settings)
        return
    sender = _BySmtp(settings, settings.email_host, reach)
    try:
        yield sender
    finally:
        sender.close()


class _ToOutbox:
    """Keeps messages where they can be read."""

    def __init__(self, settings: Settings) -> None:
        self._settings = settings

    def send(self, message: bytes, recipient: str) -> None:  # noqa: ARG002  stands in its header To
        try:
            outbox.keep(self._settings, message)
        except OSError as error:
            raise Unreachable(f"The outbox cannot be written: {error.strerror}.") from error


class _BySmtp:
    """Talks to the server over one connection, reopened after the server has closed it."""

    def __init__(self, settings: Settings, host: str, reach: Reach) -> None:
        self._settings = settings
        self._host = host
        self._reach = reach
        self._client: Client | None = None

    def send(self, message: bytes, recipient: str) -> None:
        try:
            self._announce(recipient)
        except _Broken:  # servers close after so many messages, or so long a time
            self._announce(recipient)
        with self._talking() as client:
            client.hand_over(message)

    def close(self) -> None:
        """Close the connection, if one is open."""
        client, self._client = self._client, None
        if client is not None:
            with contextlib.suppress(Exception):  # the mail is sent; how the goodbye goes changes nothing
                client.quit()
            client.close()

    def _announce(self, recipient: str) -> None:
        with self._talking() as client:
            client.announce(address_of(self._settings.email_from), recipient)

    @contextlib.contextmanager
    def _talking(self) -> Iterator[Client]:
        """Yields the connection. Raises its faults as ours; the next message can still be sent after one."""
        client = self._client = self._client or self._connected()
        try:
            yield client
        except ValueError as error:
            self._drop(client)
            raise PermanentFailure(f"This e-mail cannot be put into commands of SMTP: {error}.") from error
        except (smtplib.SMTPException, OSError) as error:
            code: int = getattr(error, "smtp_code", -1)
            if code not in _OF_THE_MESSAGE:
                self._drop(client)
                raise _Broken(f"The mail server broke off: {_said(error)}.") from error
            client.forget()
            kind = TransientFailure if code < _REFUSED_FOR_GOOD else PermanentFailure
            raise kind(f"The mail server said: {_said(error)}", status_code=code) from error

    def _drop(self, client: Client) -> None:
        self._client = None
        client.close()

    def _connected(self) -> Client:
        client = Client(self._reach, self._settings.email_ehlo_name)
        try:
            client.greet(self._settings, self._host)
        except (*TROUBLES, AttemptError) as error:
            client.close()
            where = f"{self._host} port {self._settings.email_port}"
            said = f"The mail server {where} cannot be used: {_said(error).rstrip('.')}."
            raise Unreachable(said + _remedy(error)) from error
        return client


def _remedy(error: Exception) -> str:
    if isinstance(error, smtplib.SMTPAuthenticationError):
        return " Look at EMAIL_HOST_USER and EMAIL_HOST_PASSWORD."
    if isinstance(error, smtplib.SMTPNotSupportedError):
        return " Look at EMAIL_USE_TLS and EMAIL_PORT; leave EMAIL_HOST_USER out for a server without login."
    return ""


def _said(error: Exception) -> str:
    if isinstance(error, smtplib.SMTPResponseException):
        words = error.smtp_error
        text = words.decode("utf-8", "replace") if isinstance(words, bytes) else words
        return f"{error.smtp_code} {' '.join(text.split())[:LONGEST_WORDS]}"
    return str(error)[:LONGEST_WORDS] or type(error).__name__
