"""A TCP proxy that can be cut: open connections are closed and new ones refused until it is mended."""

from __future__ import annotations

import contextlib
import socket
import threading
from typing import Self

_AT_ONCE = 65_536


class Proxy:
    """Listens on loopback and passes on to a port of this machine."""

    def __init__(self, target_port: int) -> None:
        self._target_port = target_port
        self._listening = socket.create_server(("127.0.0.1", 0))
        self.port: int = self._listening.getsockname()[1]
        self._open: list[socket.socket] = []
        self._lock = threading.Lock()
        self._is_cut = False

    def cut(self) -> None:
        """Close what is open, and whatever comes."""
        with self._lock:
            self._is_cut = True
            for connection in self._open:
                with contextlib.suppress(OSError):
                    connection.shutdown(socket.SHUT_RDWR)
            self._open.clear()

    def mend(self) -> None:
        """Pass connections on again."""
        with self._lock:
            self._is_cut = False

    def __enter__(self) -> Self:
        threading.Thread(target=self._accept, daemon=True).start()
        return self

    def __exit__(self, *_: object) -> None:
        self._listening.close()
        self.cut()

    def _accept(self) -> None:
        with contextlib.suppress(OSError):  # closed
            while True:
                client, _ = self._listening.accept()
                threading.Thread(target=self._connect, args=(client,), daemon=True).start()

    def _connect(self, client: socket.socket) -> None:
        try:
            server = socket.create_connection(("127.0.0.1", self._target_port), timeout=5)
        except OSError:
            client.close()
            return
        server.settimeout(None)
        with self._lock:
            if self._is_cut:
                client.close()
                server.close()
                return
            self._open += [client, server]
        threading.Thread(target=_pass_on, args=(client, server), daemon=True).start()
        _pass_on(server, client)


def _pass_on(source: socket.socket, target: socket.socket) -> None:
    with contextlib.suppress(OSError):
        while data := source.recv(_AT_ONCE):
            target.sendall(data)
    for one in (source, target):
        with contextlib.suppress(OSError):
            one.shutdown(socket.SHUT_RDWR)
