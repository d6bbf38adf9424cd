"""Receivers that misbehave, on real sockets: each `Behaviour` gets one accepted connection to maltreat."""

from __future__ import annotations

import contextlib
import itertools
import socket
import ssl
import struct
import subprocess
import threading
from collections.abc import Callable, Iterator
from pathlib import Path

from tests.waiting import LONGEST

Behaviour = Callable[["Hostile", socket.socket], None]


class Hostile:
    """A listener whose every connection is handled by `behaviour` in a thread, until `stop`.

    `reached` is set when a behaviour has brought the caller where it is to be stuck; `stopping` when to end.
    """

    def __init__(self, behaviour: Behaviour) -> None:
        self.reached = threading.Event()
        self.stopping = threading.Event()
        self.requests: list[bytes] = []
        self.connections = 0
        self._behaviour = behaviour
        self._listener = socket.create_server(("127.0.0.1", 0))
        self.open: list[socket.socket] = []  # a connection over TLS twice: as it was accepted, and as it is used
        self._threads = [threading.Thread(target=self._accept)]
        self._threads[0].start()

    @property
    def port(self) -> int:
        port: int = self._listener.getsockname()[1]
        return port

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.port}/hook"

    def stop(self) -> None:
        self.stopping.set()
        self._listener.shutdown(socket.SHUT_RDWR)  # wakes accept
        self._threads[0].join()
        for connection in self.open:  # a behaviour may wait for a caller who keeps the connection
            with contextlib.suppress(OSError):
                socket.socket.shutdown(connection, socket.SHUT_RD)
        for thread in self._threads:
            thread.join()
        self._listener.close()

    def _accept(self) -> None:
        while True:
            try:
                accepted, _ = self._listener.accept()
            except OSError:
                return
            self.connections += 1
            self.open.append(accepted)
            thread = threading.Thread(target=self._handle, args=(accepted,))
            self._threads.append(thread)
            thread.start()

    def _handle(self, accepted: socket.socket) -> None:
        accepted.settimeout(LONGEST)
        with contextlib.suppress(OSError), accepted:
            self._behaviour(self, accepted)


@contextlib.contextmanager
def serving(behaviour: Behaviour) -> Iterator[Hostile]:
    server = Hostile(behaviour)
    try:
        yield server
    finally:
        server.stop()


def read_request(server: Hostile, accepted: socket.socket) -> bytes:
    received = b""
    while b"\r\n\r\n" not in received:
        piece = accepted.recv(65_536)
        if not piece:
            return b""
        received += piece
    head, _, body = received.partition(b"\r\n\r\n")
    length = int(next((line[15:] for line in head.lower().split(b"\r\n") if line[:15] == b"content-length:"), 0))
    while len(body) < length:
        piece = accepted.recv(65_536)
        if not piece:
            break
        body += piece
    server.requests.append(head + b"\r\n\r\n" + body)
    return head


def answering(answer: bytes) -> Behaviour:
    """Reads the request, sends these bytes and closes in order."""

    def behave(server: Hostile, accepted: socket.socket) -> None:
        read_request(server, accepted)
        accepted.sendall(answer)

    return behave


def keeping_open(answer: bytes) -> Behaviour:
    """Sends these bytes and keeps the connection, whatever the caller asked for."""

    def behave(server: Hostile, accepted: socket.socket) -> None:
        read_request(server, accepted)
        accepted.sendall(answer)
        server.reached.set()
        accepted.recv(1)  # ends when the caller closes

    return behave


def conversing(*answers: bytes) -> Behaviour:
    """Answers one request after the other with these bytes in turn, the last again and again, until the caller ends."""

    def behave(server: Hostile, accepted: socket.socket) -> None:
        for number in itertools.count():
            if not read_request(server, accepted):
                return
            accepted.sendall(answers[min(number, len(answers) - 1)])

    return behave


def resetting(answer: bytes) -> Behaviour:
    """Sends these bytes, then resets the connection."""

    def behave(server: Hostile, accepted: socket.socket) -> None:
        read_request(server, accepted)
        accepted.sendall(answer)
        accepted.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))

    return behave


def tunnelling(behaviour: Behaviour, answer: bytes = b"HTTP/1.1 200 Connection established\r\n\r\n") -> Behaviour:
    """Acts as a proxy that is asked for a tunnel, and then as the receiver at its end."""

    def behave(server: Hostile, accepted: socket.socket) -> None:
        read_request(server, accepted)
        accepted.sendall(answer)
        behaviour(server, accepted)

    return behave


def silent(server: Hostile, accepted: socket.socket) -> None:
    """Reads the request and never answers."""
    read_request(server, accepted)
    server.reached.set()
    server.stopping.wait()


def deaf(server: Hostile, accepted: socket.socket) -> None:
    """Never reads, so that sending gets stuck (and a TLS handshake too)."""
    accepted.recv(1, socket.MSG_PEEK)
    server.reached.set()
    server.stopping.wait()


def dripping(server: Hostile, accepted: socket.socket) -> None:
    """Sends a head at once, then a byte a second of a body without a length."""
    read_request(server, accepted)
    accepted.sendall(b"HTTP/1.1 200 OK\r\n\r\n{")
    server.reached.set()
    while not server.stopping.wait(1):
        accepted.sendall(b" ")


def over_tls(behaviour: Behaviour, certificate: Path, of_clients: Path | None = None) -> Behaviour:
    """Speaks TLS; demands a certificate that `of_clients` holds, if it is given."""
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(certificate)
    if of_clients is not None:
        context.verify_mode = ssl.CERT_REQUIRED
        context.load_verify_locations(of_clients)

    def behave(server: Hostile, accepted: socket.socket) -> None:
        with context.wrap_socket(accepted, server_side=True) as wrapped:
            server.open.append(wrapped)
            behaviour(server, wrapped)

    return behave


def make_certificate(folder: Path, name: str = "IP:127.0.0.1") -> Path:
    """Makes a self-signed certificate and its key, in one file, with the openssl program."""
    path, key = folder / "server.pem", folder / "key.pem"
    command = "openssl req -x509 -newkey rsa:2048 -nodes -days 2 -subj /CN=hostile"
    options = ["-addext", f"subjectAltName={name}", "-keyout", str(key), "-out", str(path)]
    subprocess.run([*command.split(), *options], check=True, capture_output=True)
    path.write_text(path.read_text() + key.read_text())
    return path


@contextlib.contextmanager
def full_backlog() -> Iterator[str]:
    """An address that takes no more connections: its queue is full, and nobody accepts."""
    with contextlib.ExitStack() as kept:
        listener = kept.enter_context(socket.socket())
        listener.bind(("127.0.0.1", 0))
        listener.listen(0)
        while True:
            waiting = kept.enter_context(socket.socket())
            waiting.settimeout(0.2)
            try:
                waiting.connect(listener.getsockname())
            except TimeoutError:
                break
        yield f"http://127.0.0.1:{listener.getsockname()[1]}/"
