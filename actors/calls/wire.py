"""A wire: the socket to one receiver, in the clear or under TLS, for one call after the other."""

from __future__ import annotations

import io
import select
import socket
import ssl
import time

from core.errors import PermanentFailure, TransientFailure


class Wire:
    """A socket to a receiver and its reader, for one call after the other."""

    def __init__(self, connecting: socket.socket, address: str | None = None) -> None:
        self.socket = connecting
        self.address = address
        self.opened_at = self.idle_since = time.monotonic()
        self._handle = connecting.dup()  # to shut it down with, since TLS detaches the first socket object
        self._reader: io.BufferedReader | None = None

    def secure(self, context: ssl.SSLContext, name: str) -> None:
        """Speak TLS from now on, with a receiver whose certificate is for `name`, within the socket's timeout.

        Raises `PermanentFailure` when its certificate is refused, `TransientFailure` when it takes too long.
        """
        try:
            self.socket = context.wrap_socket(self.socket, server_hostname=name)
        except ssl.SSLCertVerificationError as error:
            raise PermanentFailure(
                f"The certificate of {name} was refused: {error.verify_message or error}."
            ) from error
        except TimeoutError as error:
            raise TransientFailure(f"The TLS handshake with {name} took too long.") from error

    @property
    def reader(self) -> io.BufferedReader:
        """Returns the reader, one for all calls, so that bytes after an answer are noticed."""
        if self._reader is None:
            self._reader = self.socket.makefile("rb")
        return self._reader

    def is_quiet(self) -> bool:
        """Whether nothing has come since the last answer, not even the connection's end."""
        waiting = select.poll()
        waiting.register(self.socket, select.POLLIN)
        if waiting.poll(0):
            return False
        self.socket.setblocking(False)
        try:
            return not self.reader.peek(1)  # bytes that were read along with the answer, but are not part of it
        except ssl.SSLWantReadError:
            return True
        except OSError:
            return False

    def shut_down(self) -> None:
        """Interrupt whatever any thread is doing with the socket. Never raises."""
        try:
            self._handle.shutdown(socket.SHUT_RDWR)
        except OSError:
            return  # it had ended by itself

    def close(self) -> None:
        """Close socket and handle."""
        if self._reader is not None:
            self._reader.close()
        self.socket.close()
        self._handle.close()
