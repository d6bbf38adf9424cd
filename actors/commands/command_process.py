"""Run a command under a keeper (`command_keeper`): start it, read its output, stop it with all its descendants."""

from __future__ import annotations

import contextlib
import ctypes
import json
import os
import selectors
import socket
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path
from typing import IO, Any

from actors.commands.command_log import CommandLog
from core.errors import TransientFailure
from services.runtime.abort_scope import AbortScope

KEPT_BYTES = 64 * 1024

_KEEPER = Path(__file__).with_name("command_keeper.py")
_PIECE_BYTES = 64 * 1024
_LOOK_SECONDS = 1.0
_KEEPER_ENDS_WITHIN_SECONDS = 8.0
_SET_DUMPABLE = 4  # of prctl(2)
_libc = ctypes.CDLL(None)


@dataclass(frozen=True)
class Command:
    """A program to run: `words` begin with its name; `limits` are those of setrlimit(2), by name."""

    path: str
    words: Sequence[str]
    environment: Mapping[str, str]
    stdin: str
    limits: Mapping[str, int]


@dataclass(frozen=True)
class CommandEnd:
    """How a command ended: its exit code (-9: by signal 9), or why it could not start; and its output."""

    exit_code: int | None
    errno: int | None
    stdout: bytes
    stderr: bytes
    truncated: bool


def run(command: Command, scope: AbortScope, lines: CommandLog) -> CommandEnd:
    """Run a command to its end, in its own folder that is removed afterwards; no process that it started stays.

    From then on, only root can read this process's memory or environment, which may hold secrets.

    Returns early, with the output so far, when the scope is aborted. Raises `Aborted` if that was before the start,
    and `TransientFailure` if it is unknown how the command ended.
    """
    _libc.prctl(_SET_DUMPABLE, 0)
    with ExitStack() as stack:
        line, keeper = _keeper(stack, command.stdin)
        told, out, error = _Kept(), _Kept(lines.out), _Kept(lines.error)
        with scope.interruptible(lambda: _hang_up(line)):
            scope.raise_if_aborted()  # by the clock: whoever was frozen up to here must not start it any more
            _order(line, command)
            _listen(keeper, line, {line: told, keeper.stdout: out, keeper.stderr: error}, scope, lines)
    return _ended(bytes(told.data), out, error, scope)


class _Kept:
    """The first 64 KiB of a stream; the rest is read, so that the writer does not block, and only passed on."""

    def __init__(self, pass_on: Callable[[bytes], object] = lambda _: None) -> None:
        self._pass_on = pass_on
        self.data = bytearray()
        self.truncated = False

    def take(self, piece: bytes) -> None:
        room = KEPT_BYTES - len(self.data)
        self.data += piece[:room]
        self.truncated = self.truncated or len(piece) > room
        self._pass_on(piece)


def _keeper(stack: ExitStack, stdin: str) -> tuple[socket.socket, subprocess.Popen[bytes]]:
    """Start a keeper, which waits for its order. Returns the line to it, and the keeper.

    The line is a socket because, unlike a pipe, it can be shut down from another thread.
    """
    given = stack.enter_context(_stdin_file(stdin))
    ours, theirs = socket.socketpair()
    stack.enter_context(ours)
    with theirs:
        keeper = subprocess.Popen(  # noqa: S603  our own program
            [sys.executable, "-I", "-S", str(_KEEPER), str(given.fileno())],
            stdin=theirs.fileno(),
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            bufsize=0,
            env={"LANG": "C.UTF-8"},
            pass_fds=(given.fileno(),),
            start_new_session=True,
        )
    stack.callback(_reap, keeper)
    return ours, keeper


@contextlib.contextmanager
def _stdin_file(stdin: str) -> Iterator[IO[bytes]]:
    """Returns a nameless file with the standard input: unlike a pipe, it needs no thread to fill it."""
    with tempfile.TemporaryFile() as file:
        file.write(stdin.encode())
        file.seek(0)
        yield file


def _order(line: socket.socket, command: Command) -> None:
    order = {
        "path": command.path,
        "words": list(command.words),
        "environment": dict(command.environment),
        "limits": dict(command.limits),
        "folders": tempfile.gettempdir(),
    }
    with contextlib.suppress(OSError):  # shut down meanwhile, or the keeper is gone: its report will show that
        line.sendall(json.dumps(order).encode() + b"\n")


def _listen(
    keeper: subprocess.Popen[bytes],
    line: socket.socket,
    heard: Mapping[Any, _Kept],
    scope: AbortScope,
    lines: CommandLog,
) -> None:
    """Read all streams to their ends, which come when the keeper and all its descendants have ended."""
    give_up_at: float | None = None
    with selectors.DefaultSelector() as streams:
        for stream in heard:
            streams.register(stream, selectors.EVENT_READ)
        while streams.get_map():
            for key, _ in streams.select(_LOOK_SECONDS):
                piece = _piece(key.fd)
                heard[key.fileobj].take(piece)
                if not piece:
                    streams.unregister(key.fileobj)
            lines.look()
            now = time.monotonic()
            if give_up_at is None and (scope.reason is not None or keeper.poll() is not None):
                _hang_up(line)  # in case the keeper's inner process has outlived it
                give_up_at = now + _KEEPER_ENDS_WITHIN_SECONDS
            if give_up_at is not None and now > give_up_at:
                return


def _piece(descriptor: int) -> bytes:
    try:
        return os.read(descriptor, _PIECE_BYTES)
    except ConnectionResetError:  # the keeper was killed before it read its order
        return b""


def _ended(told: bytes, out: _Kept, error: _Kept, scope: AbortScope) -> CommandEnd:
    outcome = json.loads(told.partition(b"\n")[0] or b"{}")
    if not outcome and scope.reason is None:
        raise TransientFailure("The command's end is not known: its keeper was killed. It may have done its work.")
    return CommandEnd(
        exit_code=outcome.get("exit_code"),
        errno=outcome.get("errno"),
        stdout=bytes(out.data),
        stderr=bytes(error.data),
        truncated=out.truncated or error.truncated,
    )


def _hang_up(line: socket.socket) -> None:
    with contextlib.suppress(OSError):
        line.shutdown(socket.SHUT_WR)


def _reap(keeper: subprocess.Popen[bytes]) -> None:
    """Wait for a keeper to end; if it takes too long, kill it."""
    for stream in (keeper.stdout, keeper.stderr):
        if stream is not None:
            stream.close()
    try:
        keeper.wait(_LOOK_SECONDS)
    except subprocess.TimeoutExpired:
        keeper.kill()
        keeper.wait()
