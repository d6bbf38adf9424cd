"""The errors that a command can end with; each is reported in plain lines."""

from __future__ import annotations

from collections.abc import Sequence


class CommandFailed(Exception):  # noqa: N818  the names say what happened
    """The command could not do what was asked for; `lines` say why, and what to do."""

    exit_code = 1

    def __init__(self, *lines: str) -> None:
        super().__init__("\n".join(lines))
        self.lines = lines


class Refused(CommandFailed):
    """The server answered with a problem; `faults` are the wrong fields, one line for each."""

    def __init__(self, status: int, title: str, detail: str, faults: Sequence[str]) -> None:
        super().__init__(f"{title} ({status}).", *(faults or [detail]))
        self.status = status
        self.faults = tuple(faults or [detail])


class WrongInput(CommandFailed):
    """What the user gave cannot be used; no server was asked."""

    exit_code = 2


class WrongFile(WrongInput):
    """A file does not say what it should; the message names the file and the line."""

    def __init__(self, source: str, line: int, message: str) -> None:
        super().__init__(f"{source}, line {line}: {message}")
