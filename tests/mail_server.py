"""A mail server for tests: real SMTP, which remembers what it took and refuses whom it is told to."""

from __future__ import annotations

import email
import socket
import ssl
import threading
from collections import Counter
from collections.abc import Callable
from email.message import EmailMessage
from email.policy import default
from typing import Any, Self

from aiosmtpd.controller import Controller
from aiosmtpd.smtp import SMTP, AuthResult, Envelope, LoginPassword, Session

TAKEN = "250 OK"
Answers = Callable[[str], str]


class MailServer:
    """Takes mail on a port of its own; `answers` decides what each recipient is answered, at each time."""

    def __init__(
        self,
        answers: Answers = lambda _: TAKEN,
        *,
        tls: ssl.SSLContext | None = None,
        login: tuple[str, str] | None = None,
    ) -> None:
        self.messages: list[EmailMessage] = []
        self.connections = 0
        self.greeted_by: list[str] = []
        self.at_data: Callable[[int], str] = lambda _: TAKEN
        self._answers = answers
        self._login = login
        self._changed = threading.Condition()
        options: dict[str, Any] = {"hostname": "127.0.0.1", "port": 0, "ready_timeout": 30}
        if tls is not None:
            options |= {"tls_context": tls, "require_starttls": True}
        if login is not None:
            options |= {"authenticator": self._authenticate, "auth_required": True}
        self._controller = _AnyPort(self, **options)

    def __enter__(self) -> Self:
        self._controller.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._controller.stop()

    @property
    def port(self) -> int:
        """Where it listens."""
        return self._controller.address[1]

    def recipients(self) -> Counter[str]:
        """How often each recipient got mail."""
        return Counter(str(message["To"]) for message in self.messages)

    def wait_for(self, count: int, timeout: float = 30) -> None:
        """Return when so many messages were taken."""
        with self._changed:
            assert self._changed.wait_for(lambda: len(self.messages) >= count, timeout), len(self.messages)

    async def handle_EHLO(  # noqa: N802  aiosmtpd's name
        self, _server: SMTP, session: Session, _envelope: Envelope, hostname: str, responses: list[str]
    ) -> list[str]:
        session.host_name = hostname
        self.connections += 1
        self.greeted_by.append(hostname)
        return responses

    async def handle_RCPT(  # noqa: N802  aiosmtpd's name
        self, _server: SMTP, _session: Session, envelope: Envelope, address: str, _options: list[str]
    ) -> str:
        answer = self._answers(address)
        if answer == TAKEN:
            envelope.rcpt_tos.append(address)
        return answer

    async def handle_DATA(self, _server: SMTP, _session: Session, envelope: Envelope) -> str:  # noqa: N802  aiosmtpd's name
        answer = self.at_data(len(self.messages))
        if answer == TAKEN:
            content = envelope.content if isinstance(envelope.content, bytes) else b""
            with self._changed:
                message: EmailMessage = email.message_from_bytes(content, policy=default)
                self.messages.append(message)
                self._changed.notify_all()
        return answer

    def _authenticate(
        self, _server: SMTP, _session: Session, _envelope: Envelope, _mechanism: str, given: Any
    ) -> AuthResult:
        known = isinstance(given, LoginPassword) and self._login == (given.login.decode(), given.password.decode())
        return AuthResult(success=known, handled=False)


class _AnyPort(Controller):
    """A controller that is told its port by the system."""

    @property
    def address(self) -> tuple[str, int]:
        """Where it listens."""
        server: Any = self.server
        host, port = server.sockets[0].getsockname()
        return host, port

    def _trigger_server(self) -> None:
        with socket.create_connection(self.address) as connection:
            connection.recv(1024)
