"""`run_command`: a program that this installation allows, with arguments, never through a shell."""

from __future__ import annotations

import functools
import re
from typing import Annotated, Self

from pydantic import AfterValidator, BaseModel, ConfigDict, Field, model_validator

from core import command_words
from core.errors import Forbidden
from services.messaging import broker as brokers
from services.task_types import registry
from services.task_types.registry import TaskType
from settings import Settings

KEY = "run_command"
MAX_WORDS = 1_000
LONGEST_COMMAND = 10_000  # characters, as 002 takes
LONGEST_WORD = 100_000  # bytes; Linux takes 128 KiB
MAX_VARIABLES = 100

_NAME = re.compile(r"[A-Za-z_][A-Za-z0-9_]*")


def _word(text: str) -> str:
    size = len(text.encode())
    if size > LONGEST_WORD:
        raise ValueError(f"has {size} bytes, more than the {LONGEST_WORD} that a program may be given; shorten it.")
    if "\0" in text:
        raise ValueError("holds a NUL character (U+0000), which ends a program's argument; remove it.")
    return text


def _variable(name: str) -> str:
    if _NAME.fullmatch(name) is None:
        raise ValueError("is no name of a variable; write letters, digits and underscores, not a digit first.")
    return name


def _command(text: str) -> str:
    try:
        command_words.split(text)
    except ValueError as error:
        raise ValueError(f"cannot be read as words: {error}; close each quote, or give argv.") from None
    return text


Word = Annotated[str, Field(max_length=LONGEST_WORD), AfterValidator(_word)]
Line = Annotated[str, Field(max_length=LONGEST_COMMAND), AfterValidator(_word), AfterValidator(_command)]
Variable = Annotated[str, Field(max_length=200), AfterValidator(_variable)]


class RunCommand(BaseModel):
    """The program and its arguments: `command`, a text read as words the way a shell quotes, or `argv`.

    Nothing else of a shell is there: `;`, `$()`, `*` and line ends are plain text. `argv` takes longer commands.
    """

    model_config = ConfigDict(strict=True, extra="forbid", frozen=True)

    command: Line | None = None
    argv: Annotated[list[Word], Field(min_length=1, max_length=MAX_WORDS)] | None = None
    env: Annotated[dict[Variable, Word], Field(max_length=MAX_VARIABLES)] = Field(
        default_factory=dict, examples=[{"LANG": "C.UTF-8"}]
    )
    stdin: str = ""

    @functools.cached_property
    def words(self) -> list[str]:
        """The program's name and its arguments."""
        return list(self.argv) if self.argv is not None else command_words.split(self.command or "")

    @model_validator(mode="after")
    def _one_spelling(self) -> Self:
        if (self.command is None) == (self.argv is None):
            raise ValueError("needs exactly one of command and argv.")
        if not self.words or not self.words[0]:
            raise ValueError("names no program; the first word is to be one.")
        if len(self.words) > MAX_WORDS:
            raise ValueError(f"has more than {MAX_WORDS} words; hand the rest over by stdin.")
        return self


def expect_commands(settings: Settings) -> None:
    """Check that the installation lets jobs run programs at all. Raises `Forbidden`."""
    if not settings.programs_allowed:
        raise Forbidden(
            "Jobs may not run commands here. Whoever runs this server can allow it: COMMANDS_ALLOWED names the "
            "programs, comma-separated, each as jobs write it."
        )


def check(settings: Settings, parameters: RunCommand) -> None:
    """Check that the installation lets jobs run this program, and set these variables. Raises `Forbidden`."""
    if not any(one.permits(parameters.words) for one in settings.commands_permitted):
        raise _not_permitted(settings, parameters.words[0])
    for name in parameters.env.keys() - settings.variables_allowed:
        raise Forbidden(
            f"Jobs may not set the variable {name!r} for their commands here. Whoever runs this server can allow it: "
            "COMMANDS_ENV_ALLOWED names the variables, comma-separated."
        )


def _not_permitted(settings: Settings, program: str) -> Forbidden:
    templates = [one.text for one in settings.commands_permitted if one.program == program]
    if not templates:
        return Forbidden(
            f"Jobs may not run {program[:200]!r} here. Whoever runs this server can allow it: "
            "COMMANDS_ALLOWED names the programs, comma-separated, each as jobs write it."
        )
    return Forbidden(
        f"Jobs may run {program!r} here only as {' or '.join(templates)}, where a word in the place of {{}} or {{...}} "
        "does not begin with -. Whoever runs this server can allow more by COMMANDS_ALLOWED."
    )


registry.register(
    TaskType(
        key=KEY,
        label="Run a command",
        parameters=RunCommand,
        queue=brokers.RUNS_COMMAND,
        handler="command",
        expect=expect_commands,
        check=check,
        works=lambda settings: bool(settings.programs_allowed),
        time_limit=lambda settings: settings.command_time_limit_seconds,
    )
)
