"""E-mail on its way out: to the SMTP server that the settings name, or, embedded without one, into the outbox."""

from __future__ import annotations

import contextlib
import functools
import smtplib
import socket
import ssl
from collections.abc import Callable, Iterator
from email.message import EmailMessage
from typing import Protocol

from core.errors import PermanentFailure, TransientFailure
from core.letters import address_of
from services.email import outbox
from settings import Settings

NO_SERVER = "EMAIL_HOST is not set, so there is no server to send e-mail through; set it, or run embedded."
LONGEST_WORDS = 500

_TLS_FROM_THE_START = 465
_READY = 220
_TRANSIENT_CODES = range(400, 500)
_REPLY_SECONDS = 30.0

Reach = Callable[[str, int], socket.socket]


class Unreachable(TransientFailure):
    """There is no way to the mail server: what was not sent yet is not sent now."""


class Sender(Protocol):
    """Sends messages, one after the other."""

    def send(self, message: EmailMessage, recipient: str) -> None:
        """Hand a message over for good.

        Raises `PermanentFailure` with the server's words where it is refused, `TransientFailure` where it may be
        taken later, and `Unreachable` where nothing can be sent at present.
        """
        ...


def can_send(settings: Settings) -> bool:
    """Whether there is anywhere to send e-mail to."""
    return settings.email_host is not None or settings.embedded


@contextlib.contextmanager
def sending(settings: Settings, reach: Reach) -> Iterator[Sender]:
    """A sender for one occasion: its messages share a connection, which `reach` opens at the first.

    Raises `PermanentFailure` where there is no server to send through.
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

    def send(self, message: EmailMessage, recipient: str) -> None:  # noqa: ARG002  stands in its header To
        try:
            outbox.keep(self._settings, message)
        except OSError as error:
            raise Unreachable(f"The outbox cannot be written: {error.strerror}.") from error


class _BySmtp:
    """Talks to the server over one connection, which is opened again where the server closed it."""

    def __init__(self, settings: Settings, host: str, reach: Reach) -> None:
        self._settings = settings
        self._host = host
        self._reach = reach
        self._client: _Client | None = None

    def send(self, message: EmailMessage, recipient: str) -> None:
        client = self._client or self._connected()
        try:
            client.send_message(message, address_of(self._settings.email_from), [recipient])
        except smtplib.SMTPRecipientsRefused as error:
            raise _refusal(*error.recipients[recipient]) from error
        except smtplib.SMTPServerDisconnected as error:
            raise self._lost(error) from error
        except smtplib.SMTPNotSupportedError as error:
            raise PermanentFailure(f"The mail server cannot take this message: {error}.") from error
        except smtplib.SMTPResponseException as error:
            raise _refusal(error.smtp_code, error.smtp_error) from error
        except OSError as error:
            raise self._lost(error) from error

    def close(self) -> None:
        """Say goodbye, if anyone is there."""
        client, self._client = self._client, None
        if client is not None:
            with contextlib.suppress(smtplib.SMTPException, OSError):
                client.quit()
            client.close()

    def _connected(self) -> _Client:
        client = _Client(self._reach)
        try:
            client.greet(self._settings, self._host)
        except (smtplib.SMTPException, OSError) as error:
            client.close()
            raise self._lost(error) from error
        except BaseException:
            client.close()
            raise
        self._client = client
        return client

    def _lost(self, error: Exception) -> Unreachable:
        if self._client is not None:
            self._client.close()
            self._client = None
        where = f"{self._host} port {self._settings.email_port}"
        return Unreachable(f"The mail server {where} cannot be used: {_said(error)}.")


class _Client(smtplib.SMTP):
    """SMTP over a socket that someone else opens."""

    def __init__(self, reach: Reach) -> None:
        super().__init__(local_hostname=socket.gethostname(), timeout=_REPLY_SECONDS)
        self._reach = reach
        self._is_encrypted = False

    def greet(self, settings: Settings, host: str) -> None:
        """Connect, encrypt and log in, as the settings say."""
        self._host = host  # what the certificate must name
        self._is_encrypted = settings.email_use_tls and settings.email_port == _TLS_FROM_THE_START
        code, words = self.connect(host, settings.email_port)
        if code != _READY:
            raise smtplib.SMTPConnectError(code, words)
        if settings.email_use_tls and not self._is_encrypted:
            self.starttls(context=_trust())
        if settings.email_host_user is not None and settings.email_host_password is not None:
            self.login(settings.email_host_user, settings.email_host_password.get_secret_value())

    def _get_socket(self, host: str, port: int, timeout: float) -> socket.socket:
        reached = self._reach(host, port)
        reached.settimeout(timeout)
        return _trust().wrap_socket(reached, server_hostname=host) if self._is_encrypted else reached


@functools.cache
def _trust() -> ssl.SSLContext:
    """Whose certificates are believed. Made once: to read the authorities' file takes longer than to send a message."""
    return ssl.create_default_context()


def _refusal(code: int, words: bytes | str) -> PermanentFailure | TransientFailure:
    kind = TransientFailure if code in _TRANSIENT_CODES else PermanentFailure
    return kind(f"The mail server said: {code} {_text(words)}", status_code=code)


def _said(error: Exception) -> str:
    if isinstance(error, smtplib.SMTPResponseException):
        return f"{error.smtp_code} {_text(error.smtp_error)}"
    return str(error)[:LONGEST_WORDS] or type(error).__name__


def _text(words: bytes | str) -> str:
    text = words.decode("utf-8", "replace") if isinstance(words, bytes) else words
    return " ".join(text.split())[:LONGEST_WORDS]
