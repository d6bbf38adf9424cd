"""`run_command`: run an allowed program, without a shell; output and exit code are the result, lines the log."""

from __future__ import annotations

import errno
import math
import os
import shutil
from collections.abc import Mapping
from contextlib import closing
from typing import Any

from pydantic import ValidationError

from actors.calls import call_headers
from actors.commands import command_process
from actors.commands.command_log import CommandLog
from actors.commands.command_process import Command, CommandEnd
from core import storable
from core.errors import AttemptError, Forbidden, PermanentFailure, TransientFailure
from services.execution.work import Failed, Result, Succeeded, Work
from services.runtime.abort_scope import AbortScope
from services.system import System
from services.task_types import run_command
from services.task_types.run_command import RunCommand
from settings import Settings

PATH = "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin"
OPEN_FILES = 256
FILE_BYTES = 100 * 1024**2
TAIL_CHARACTERS = 1_000

_ENVIRONMENT = {"PATH": PATH, "LANG": "C.UTF-8"}
_MAY_PASS = frozenset({errno.EAGAIN, errno.ENOMEM, errno.ENFILE, errno.EMFILE, errno.EIO, errno.ENOSPC})


def perform(system: System, work: Work, scope: AbortScope) -> Result:
    """Run the command once. Raises `Aborted` when the scope is aborted, after all its processes have ended."""
    try:
        command = _command(system.settings, work)
        with closing(CommandLog(system, work)) as lines:
            ended = command_process.run(command, scope, lines)
            scope.raise_if_aborted()
            return _judge(command, ended)
    except AttemptError as error:
        return Failed(error)


def _command(settings: Settings, work: Work) -> Command:
    try:
        parameters = RunCommand.model_validate(work.data or {})
        run_command.check(settings, parameters)  # the allowed programs may have changed, or differ between hosts
    except (ValidationError, Forbidden) as refusal:
        raise PermanentFailure(str(refusal)) from refusal
    return Command(
        path=_path(parameters.words[0]),
        words=parameters.words,
        environment={**_ENVIRONMENT, **_of_trace(work, parameters.env), **parameters.env},
        stdin=parameters.stdin,
        limits=_limits(settings, work.time_limit_seconds),
    )


def _of_trace(work: Work, given: Mapping[str, str]) -> dict[str, str]:
    """Returns the variables with the trace context for a program, unless `given`, the job's own, name one of them.

    They have the headers' names in upper case, as OpenTelemetry specifies.
    """
    return {name.upper(): value for name, value in call_headers.trace_headers(work, given).items()}


def _path(program: str) -> str:
    path = shutil.which(program, path=PATH)
    if path is None:
        raise PermanentFailure(
            f"There is no program {program!r} on the worker's host that it may run, in {PATH}. Install it there."
        )
    return path


def _limits(settings: Settings, seconds: float) -> dict[str, int]:
    return {
        "RLIMIT_CPU": math.ceil(seconds) * (os.cpu_count() or 1),  # all of a process's threads count
        "RLIMIT_AS": settings.command_memory_bytes,
        "RLIMIT_NOFILE": OPEN_FILES,
        "RLIMIT_FSIZE": FILE_BYTES,
        "RLIMIT_CORE": 0,
    }


def _judge(command: Command, ended: CommandEnd) -> Result:
    if ended.errno is not None:
        return Failed(_not_started(command, ended.errno))
    result: dict[str, Any] = {
        "exit_code": ended.exit_code,
        "stdout": storable.text(ended.stdout),
        "stderr": storable.text(ended.stderr),
        "truncated": ended.truncated,
    }
    if ended.exit_code == 0:
        return Succeeded(None, result["stdout"], result=result)
    return Failed(TransientFailure(_message(command, result)), answer=result["stdout"], result=result)


def _not_started(command: Command, number: int) -> AttemptError:
    kind = TransientFailure if number in _MAY_PASS else PermanentFailure
    return kind(f"{command.path} could not be started: {os.strerror(number)}.")


def _message(command: Command, result: dict[str, Any]) -> str:
    code = result["exit_code"]
    how = f"ended with exit code {code}" if code > 0 else f"was ended by signal {-code}"
    tail = result["stderr"].strip()[-TAIL_CHARACTERS:]
    return f"{command.words[0]} {how}{f': {tail}' if tail else '.'}"
