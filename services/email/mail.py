"""Sends e-mail: to the SMTP server that the settings name, or, embedded without one, into the outbox."""

from __future__ import annotations

import base64
import contextlib
import functools
import hmac
import smtplib
import socket
import ssl
from collections.abc import Callable, Iterator
from typing import Protocol

from core import ehlo
from core.errors import AttemptError, PermanentFailure, TransientFailure
from core.letters import address_of
from services.email import outbox
from settings import Settings

NO_SERVER = "EMAIL_HOST is not set, so there is no server to send e-mail through; set it, or run embedded."
LONGEST_WORDS = 500

_TLS_FROM_THE_START = 465
_READY = 220
_DONE = range(200, 300)
_REFUSED_FOR_GOOD = 500
_OF_THE_MESSAGE = frozenset(range(400, 600)) - {421, 503}  # of the connection: it is closed, or out of step
_REPLY_SECONDS = 30.0
_TAKEN_SECONDS = 600.0  # RFC 5321, section 4.5.3.2.6: to give up a message earlier would send it twice

# What smtplib raises; ValueError for what cannot be put into a command, or read of an answer.
_TROUBLES = (smtplib.SMTPException, OSError, ValueError)
_CHALLENGES = 5
_GO_ON = 334
_LOGGED_IN = (235, 503)  # now, or before

Reach = Callable[[str, int], socket.socket]


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
        self._client: _Client | None = None

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
    def _talking(self) -> Iterator[_Client]:
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

    def _drop(self, client: _Client) -> None:
        self._client = None
        client.close()

    def _connected(self) -> _Client:
        client = _Client(self._reach, self._settings.email_ehlo_name)
        try:
            client.greet(self._settings, self._host)
        except (*_TROUBLES, AttemptError) as error:
            client.close()
            where = f"{self._host} port {self._settings.email_port}"
            said = f"The mail server {where} cannot be used: {_said(error).rstrip('.')}."
            raise Unreachable(said + _remedy(error)) from error
        return client


class _Client(smtplib.SMTP):
    """Speaks SMTP over a socket that the caller opens."""

    def __init__(self, reach: Reach, own_name: str | None) -> None:
        super().__init__(local_hostname=own_name or socket.gethostname(), timeout=_REPLY_SECONDS)
        self._reach = reach
        self._own_name = own_name
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
        self.ehlo_or_helo_if_needed()
        if settings.email_host_user is not None and settings.email_host_password is not None:
            self.login(settings.email_host_user, settings.email_host_password.get_secret_value())

    def announce(self, sender: str, recipient: str) -> None:
        """Announce a message's sender and recipient. Raises `SMTPResponseException` with an answer that refuses."""
        _accept(self.mail(sender))
        _accept(self.rcpt(recipient))

    def hand_over(self, message: bytes) -> None:
        """Send the announced message. Raises `SMTPResponseException` with an answer that refuses."""
        self._wait_at_most(_TAKEN_SECONDS)
        try:
            _accept(self.data(message))
        finally:
            self._wait_at_most(_REPLY_SECONDS)

    def forget(self) -> None:
        """Discard the message that the server refused; a lost connection is noticed at the next one."""
        with contextlib.suppress(*_TROUBLES):
            self.rset()

    def auth(
        self, mechanism: str, authobject: Callable[..., str | None], *, initial_response_ok: bool = True
    ) -> tuple[int, bytes]:
        """Log in by one mechanism; as smtplib does, but in UTF-8 (RFC 4616) and not in ASCII."""
        first = authobject() if initial_response_ok else None
        self._auth_challenge_count = 0 if first is None else 1  # by which smtplib tells the user's turn
        answer = self.docmd("AUTH", mechanism if first is None else f"{mechanism} {_in_base64(first)}")
        while answer[0] == _GO_ON and self._auth_challenge_count <= _CHALLENGES:
            self._auth_challenge_count += 1
            answer = self.docmd(_in_base64(authobject(base64.b64decode(answer[1])) or ""))
        if answer[0] not in _LOGGED_IN:
            raise smtplib.SMTPAuthenticationError(*answer)
        return answer

    def auth_cram_md5(self, challenge: bytes | None = None) -> str | None:  # type: ignore[override]  # no overloads
        """Returns the answer to a challenge, with the password in UTF-8."""
        if challenge is None:
            return None
        return f"{self.user} {hmac.new(self.password.encode(), challenge, 'md5').hexdigest()}"

    def _wait_at_most(self, seconds: float) -> None:
        if self.sock is not None:
            self.sock.settimeout(seconds)

    def _get_socket(self, host: str, port: int, timeout: float) -> socket.socket:
        reached = self._reach(host, port)
        reached.settimeout(timeout)
        self.local_hostname = self._own_name or ehlo.name(socket.gethostname(), reached.getsockname()[0])
        return _trust().wrap_socket(reached, server_hostname=host) if self._is_encrypted else reached


@functools.cache
def _trust() -> ssl.SSLContext:
    """Returns the trusted authorities, read once: reading their file takes longer than sending a message."""
    return ssl.create_default_context()


def _remedy(error: Exception) -> str:
    if isinstance(error, smtplib.SMTPAuthenticationError):
        return " Look at EMAIL_HOST_USER and EMAIL_HOST_PASSWORD."
    if isinstance(error, smtplib.SMTPNotSupportedError):
        return " Look at EMAIL_USE_TLS and EMAIL_PORT; leave EMAIL_HOST_USER out for a server without login."
    return ""


def _in_base64(text: str) -> str:
    return base64.b64encode(text.encode()).decode()


def _accept(answer: tuple[int, bytes]) -> None:
    if answer[0] not in _DONE:
        raise smtplib.SMTPResponseException(*answer)


def _said(error: Exception) -> str:
    if isinstance(error, smtplib.SMTPResponseException):
        words = error.smtp_error
        text = words.decode("utf-8", "replace") if isinstance(words, bytes) else words
        return f"{error.smtp_code} {' '.join(text.split())[:LONGEST_WORDS]}"
    return str(error)[:LONGEST_WORDS] or type(error).__name__
