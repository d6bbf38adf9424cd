"""A mail server that notes whom it took a letter for."""

from __future__ import annotations

import socket
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from aiosmtpd.controller import Controller
from aiosmtpd.smtp import SMTP, Envelope, Session

from bench.chaos.journal import Journal


class _Sink:
    def __init__(self, journal: Journal) -> None:
        self._journal = journal

    async def handle_DATA(self, _server: SMTP, _session: Session, envelope: Envelope) -> str:  # noqa: N802  its name
        self._journal.letters.extend(envelope.rcpt_tos)
        return "250 OK"


class _AnyPort(Controller):
    @property
    def chosen_port(self) -> int:
        server: Any = self.server
        return int(server.sockets[0].getsockname()[1])

    def _trigger_server(self) -> None:
        with socket.create_connection(("127.0.0.1", self.chosen_port)) as connection:
            connection.recv(1024)


@contextmanager
def taking(journal: Journal) -> Iterator[int]:
    """Take letters for the block; yields the port."""
    controller = _AnyPort(_Sink(journal), hostname="127.0.0.1", port=0, ready_timeout=30)
    controller.start()
    try:
        yield controller.chosen_port
    finally:
        controller.stop()
