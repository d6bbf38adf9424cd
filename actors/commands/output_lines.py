"""Split a command's output into lines for the log of its run, in bounded memory however much it writes."""

from __future__ import annotations

import codecs
import io
import threading
from collections import deque
from dataclasses import dataclass

MAX_LINES = 200
LONGEST_LINE = 1_000
WAITING_BYTES = 256 * 1024

_BYTES_BESIDE = 100  # that a piece takes in memory besides its own
_utf_8 = codecs.getincrementaldecoder("utf-8")


@dataclass(frozen=True)
class Batch:
    """Lines for the log, oldest first, and how many lines before them were left out."""

    lines: list[str]
    left_out: int


_NOTHING = Batch([], 0)


class Stream:
    """Splits one stream into lines: where a line ends (LF, CR or both), and after 1,000 characters."""

    def __init__(self) -> None:
        self.restart()

    def restart(self) -> None:
        """Forget the line that has begun, because a part of it is missing."""
        self._begun = ""
        self._decoder = io.IncrementalNewlineDecoder(_utf_8("replace"), translate=True)

    def lines(self, piece: bytes, *, is_last: bool = False) -> list[str]:
        """Returns the lines that end within this piece; with the last, also what has no line end."""
        text = self._decoder.decode(piece, final=is_last).replace("\x00", "\ufffd")
        *whole, begun = (self._begun + text).split("\n")
        *full, self._begun = _parts(begun)
        rest = [self._begun] if is_last and self._begun else []
        return [part for line in whole for part in _parts(line)] + full + rest


class WaitingOutput:
    """Output that was read from a command's streams and waits for the log, in that order; the oldest is dropped first.

    One thread puts pieces in while another takes batches.
    """

    def __init__(self) -> None:
        self.out, self.error = Stream(), Stream()
        self._lock = threading.Lock()
        self._pieces: deque[tuple[Stream, bytes]] = deque()
        self._size = 0
        self._cut: set[Stream] = set()
        self._left_out = 0
        self._put_back = _NOTHING

    def __bool__(self) -> bool:
        return bool(self._pieces or self._put_back.lines)

    def put(self, stream: Stream, piece: bytes) -> None:
        """Add a piece of a stream, and drop the oldest pieces if they are too large together."""
        with self._lock:
            self._pieces.append((stream, piece))
            self._size += len(piece) + _BYTES_BESIDE
            while self._size > WAITING_BYTES:
                self._leave_out(*self._pieces.popleft())

    def batch(self, *, is_last: bool = False) -> Batch:
        """Take the newest 200 of the lines that wait; with the last batch, also lines without an end.

        Lines that were put back come first, unless later ones were dropped already.
        """
        with self._lock:
            pieces, self._pieces, self._size = self._pieces, deque(), 0
            cut, self._cut = self._cut, set()
            left_out, self._left_out = self._left_out, 0
            put_back, self._put_back = self._put_back, _NOTHING
        for stream in cut:
            stream.restart()
        lines = [line for stream, piece in pieces for line in stream.lines(piece)]
        if is_last:
            lines += [*self.out.lines(b"", is_last=True), *self.error.lines(b"", is_last=True)]
        if cut:
            left_out += len(put_back.lines)
        else:
            lines = [*put_back.lines, *lines]
        left_out += put_back.left_out + max(0, len(lines) - MAX_LINES)
        return Batch(lines[-MAX_LINES:], left_out)

    def put_back(self, batch: Batch) -> None:
        """Take a batch back that could not be stored now, for the next one."""
        with self._lock:
            self._put_back = batch

    def lose(self, batch: Batch) -> None:
        """Count a batch that was not stored among the lines that are left out."""
        with self._lock:
            self._left_out += batch.left_out + len(batch.lines)

    def _leave_out(self, stream: Stream, piece: bytes) -> None:
        self._size -= len(piece) + _BYTES_BESIDE
        self._cut.add(stream)
        self._left_out += piece.count(b"\n")


def _parts(line: str) -> list[str]:
    return [line[start : start + LONGEST_LINE] for start in range(0, len(line), LONGEST_LINE)] or [""]
