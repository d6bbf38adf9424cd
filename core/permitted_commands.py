"""Which commands jobs may run: a bare program with any arguments, or one with the arguments that a template has.

`{}` stands for one word of the caller's that begins no option, `--to={}` for any text in its place, and `{...}`, last,
for any number of such words.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from core import command_words

SETTING = "COMMANDS_ALLOWED"
ONE = "{}"
REST = "{...}"

# Programs that run other programs, or write files, if an argument tells them to.
_RUN_OTHERS = frozenset(
    """
    awk bash busybox chroot cp csh curl dash dd docker ed emacs env expect find flock gawk gdb git ionice kubectl
    ksh less ln lua make man mawk more mv mysql nc ncat nice node nohup nsenter parallel perl php podman psql
    python python2 python3 rsync ruby runuser scp screen sed setpriv setsid sftp sh socat sort split sqlite3 ssh
    stdbuf strace su sudo systemctl systemd-run tar taskset tclsh tee time timeout tmux unshare unzip vi vim watch
    wget xargs zip zsh
    """.split()  # noqa: SIM905  as a list it would be ten times as long
)


@dataclass(frozen=True)
class PermittedCommand:
    """One entry of COMMANDS_ALLOWED: a program, and the template of its arguments; None: it is bare."""

    program: str
    template: tuple[str, ...] | None

    def permits(self, words: Sequence[str]) -> bool:
        """Whether a job may run this program with these arguments."""
        program, *arguments = words
        if program != self.program:
            return False
        return self.template is None or _fits(self.template, arguments)

    @property
    def text(self) -> str:
        """The entry as a message shows it."""
        return " ".join((self.program, *(self.template or ())))


def listed(text: str) -> tuple[PermittedCommand, ...]:
    """Returns the entries of a comma-separated list. Raises `ValueError`, whose message is the rule."""
    return tuple(_read(entry) for entry in filter(None, map(str.strip, text.split(","))))


def that_run_others(permitted: Iterable[PermittedCommand]) -> list[str]:
    """Returns the programs that are allowed bare although an argument makes them run others, or write files."""
    bare = {one.program for one in permitted if one.template is None}
    return sorted(program for program in bare if program.rpartition("/")[2] in _RUN_OTHERS)


def _read(entry: str) -> PermittedCommand:
    try:
        program, *template = command_words.split(entry)
    except ValueError as error:
        raise ValueError(f"has the entry {entry!r}, which cannot be read as words: {error}.") from None
    if ONE in program or REST in program:
        raise ValueError(f"has the entry {entry!r}, which names no program; write that first.")
    if "/" in program and not program.startswith("/"):
        raise ValueError("names a path that does not begin with /; write a program's name or its whole path.")
    if any(REST in word for word in template[:-1]) or (template and REST in template[-1] and template[-1] != REST):
        raise ValueError(f"has the entry {entry!r}; write {REST} as its last word alone.")
    return PermittedCommand(program, tuple(template) or None)


def _fits(template: Sequence[str], arguments: Sequence[str]) -> bool:
    if template and template[-1] == REST:
        count = len(template) - 1
        template = [*template[:-1], *[ONE] * (len(arguments) - count)]
    return len(template) == len(arguments) and all(map(_fits_word, template, arguments))


def _fits_word(wanted: str, word: str) -> bool:
    before, is_open, after = wanted.partition(ONE)
    if not is_open:
        return word == wanted
    if len(word) < len(before) + len(after) or not (word.startswith(before) and word.endswith(after)):
        return False
    return bool(before) or (bool(word) and not word.startswith("-"))
