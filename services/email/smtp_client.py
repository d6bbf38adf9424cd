"""Speaks SMTP: greets, encrypts, logs in and hands messages over, one after the other."""

from __future__ import annotations

import base64
import contextlib
import functools
import hmac
import smtplib
import socket
import ssl
from collections.abc import Callable

from core import ehlo
from settings import Settings

# What smtplib raises; ValueError for what cannot be put into a command, or read of an answer.
TROUBLES = (smtplib.SMTPException, OSError, ValueError)

_TLS_FROM_THE_START = 465
_READY = 220
_DONE = range(200, 300)
_REPLY_SECONDS = 30.0
_TAKEN_SECONDS = 600.0  # RFC 5321, section 4.5.3.2.6: to give up a message earlier would send it twice
_CHALLENGES = 5
_GO_ON = 334
_LOGGED_IN = (235, 503)  # now, or before

Reach = Callable[[str, int], socket.socket]


class Client(smtplib.SMTP):
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
            self.starttls(context=trusted())
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
        with contextlib.suppress(*TROUBLES):
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
        return trusted().wrap_socket(reached, server_hostname=host) if self._is_encrypted else reached


@functools.cache
def trusted() -> ssl.SSLContext:
    """Returns the trusted authorities, read once: reading their file takes longer than sending a message."""
    return ssl.create_default_context()


def _in_base64(text: str) -> str:
    return base64.b64encode(text.encode()).decode()


def _accept(answer: tuple[int, bytes]) -> None:
    if answer[0] not in _DONE:
        raise smtplib.SMTPResponseException(*answer)
