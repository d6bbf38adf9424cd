"""A mail server of few words, which gives an odd answer where a test wants one; for what real ones say seldom."""

from __future__ import annotations

import select
import socket
import threading
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass, field
from typing import Any, Self

DOT = "."  # the end of a message, as a command


@dataclass
class Session:
    """One connection, as far as it has come."""

    connection: socket.socket
    recipient: str = ""
    has_begun: bool = False
    taken: int = 0

    def is_left(self, within_seconds: float) -> bool:
        """Whether the sender hangs up, or says something unasked, within this time."""
        return bool(select.select([self.connection], [], [], within_seconds)[0])


Answer = Callable[[str, Session], str | None]


@dataclass
class ScriptedMailServer:
    """Takes mail on a port of its own; `answer` gives its answer to a command, None for the usual one."""

    answer: Answer = lambda _command, _session: None
    taken: list[str] = field(default_factory=list)  # by recipient
    sessions: list[Session] = field(default_factory=list)

    def __enter__(self) -> Self:
        self._listener = socket.create_server(("127.0.0.1", 0))
        self.port = self._listener.getsockname()[1]
        self._thread = threading.Thread(target=self._accept)
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._listener.shutdown(socket.SHUT_RDWR)
        self._thread.join()
        self._listener.close()

    def _accept(self) -> None:
        while True:
            try:
                connection, _ = self._listener.accept()
            except OSError:
                return
            threading.Thread(target=self._talk, args=(connection,), daemon=True).start()

    def _talk(self, connection: socket.socket) -> None:
        session = Session(connection)
        self.sessions.append(session)
        with suppress(ConnectionError), connection, connection.makefile("rwb", buffering=0) as wire:
            wire.write(b"220 here\r\n")
            for line in wire:
                answer = self._answered(line.decode().strip().lower(), session, wire)
                wire.write(f"{answer}\r\n".encode())
                if answer.startswith(("221", "421")):
                    return

    def _answered(self, command: str, session: Session, wire: Any) -> str:
        answer = self.answer(command, session)
        if answer is not None:
            return answer
        if command == "data":
            wire.write(b"354 go on\r\n")
            while wire.readline() != b".\r\n":
                pass
            return self.answer(DOT, session) or self._take(session)
        if command.startswith("mail"):
            nested, session.has_begun = session.has_begun, True
            return "503 5.5.1 nested MAIL command" if nested else "250 ok"
        session.has_begun = session.has_begun and command != "rset"
        session.recipient = command[len("rcpt to:<") : -1] if command.startswith("rcpt") else session.recipient
        return "221 bye" if command == "quit" else "250 ok"

    def _take(self, session: Session) -> str:
        self.taken.append(session.recipient)
        session.taken += 1
        session.has_begun = False
        return "250 taken"
