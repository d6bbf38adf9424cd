"""What a command is given, and what comes back of it."""

from __future__ import annotations

import ctypes
import os
from pathlib import Path
from typing import Any

import pytest

from actors.commands.command_process import KEPT_BYTES
from core.trace_context import TraceContext
from services.execution.work import Succeeded
from tests.unit.actors.command_handler.running import failure_of, perform, result_in_trace, result_of


def test_a_command_leaves_its_exit_code_and_what_it_wrote() -> None:
    script = "echo out; echo error >&2"
    assert result_of("sh", "-c", script) == {
        "exit_code": 0,
        "stdout": "out\n",
        "stderr": "error\n",
        "truncated": False,
    }


@pytest.mark.parametrize(
    "argument",
    [
        "; touch /tmp/owned",
        "$(id)",
        "`id`",
        "a\nb",
        "*",
        "~",
        "$HOME",
        "> /tmp/owned",
        "&& id",
        "| id",
        "",
        "ü 🙂",
        "-n",
    ],
)
def test_what_a_shell_would_take_for_its_own_arrives_as_it_is(argument: str) -> None:
    assert result_of("/bin/echo", "x", argument)["stdout"] == f"x {argument}\n"


@pytest.mark.parametrize(
    ("command", "words"),
    [
        ("echo a; id", "a; id\n"),
        ("echo $(id) `id` && id", "$(id) `id` && id\n"),
        ("echo one\nid", "one id\n"),
        ("echo 'one  two' \"three  $HOME\" four\\ five", "one  two three  $HOME four five\n"),
        ("echo # no comment", "# no comment\n"),
    ],
)
def test_a_command_in_one_text_is_read_as_words_and_given_to_no_shell(command: str, words: str) -> None:
    result = perform({"command": command})
    assert isinstance(result, Succeeded)
    assert result.result["stdout"] == words


def test_standard_input_is_what_is_given_and_else_empty() -> None:
    text = "line\n" * 100_000
    assert result_of("sh", "-c", "cat | wc -c", stdin=text)["stdout"].strip() == str(len(text))
    assert result_of("cat")["stdout"] == ""


def test_a_command_gets_the_trace_of_its_run() -> None:
    trace = TraceContext("1" * 32, "2" * 16, is_sampled=True, state="a=1")
    lines = result_in_trace(trace, "env")["stdout"].splitlines()
    assert {f"TRACEPARENT={trace.traceparent}", "TRACESTATE=a=1"} < set(lines)
    of_job = f"TRACEPARENT=00-{'3' * 32}-{'4' * 16}-01"
    lines = result_in_trace(trace, "env", TRACEPARENT=of_job.partition("=")[2])["stdout"].splitlines()
    assert [line for line in lines if line.startswith("TRACE")] == [of_job], "the state belongs to the other trace"


def test_a_command_sees_nothing_of_our_environment(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("INTERNAL_SECRET", "hunter2")
    lines = dict(line.split("=", 1) for line in result_of("env", env={"GREETING": "hi"})["stdout"].splitlines())
    folder = lines.pop("HOME")
    assert lines == {
        "PATH": "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin",
        "LANG": "C.UTF-8",
        "GREETING": "hi",
    }
    assert not Path(folder).exists()


def test_whoever_runs_a_command_can_be_read_by_no_process_of_the_same_user() -> None:
    get_dumpable = 3  # of prctl(2); root reads all the same, so that the reading itself cannot be tried here
    result_of("echo")
    assert ctypes.CDLL(None).prctl(get_dumpable) == 0


def test_a_command_works_in_a_folder_of_its_own_that_is_removed() -> None:
    folder = Path(result_of("sh", "-c", "pwd; echo x > file; mkdir -p a/b")["stdout"].strip())
    assert folder != Path.cwd()
    assert not folder.exists()


def test_a_command_has_no_file_of_ours_open(tmp_path: Path) -> None:
    with (tmp_path / "ours").open("w") as ours:
        os.set_inheritable(ours.fileno(), True)
        opened = result_of("sh", "-c", "ls /proc/$$/fd; exit")["stdout"].split()
    assert opened == ["0", "1", "2"]


def test_a_command_has_limits() -> None:
    lines = result_of("sh", "-c", "cat /proc/self/limits")["stdout"].splitlines()
    limits: dict[str, Any] = {line[:26].strip(): line[26:47].strip() for line in lines}
    assert limits["Max address space"] == str(1024**3)
    assert limits["Max core file size"] == "0"
    assert limits["Max open files"] == "256"
    assert limits["Max file size"] == str(100 * 1024**2)
    assert limits["Max cpu time"] == str(30 * (os.cpu_count() or 1))


def test_a_command_that_wants_more_memory_than_it_may_have_fails() -> None:
    failure = failure_of("python3", "-c", "bytearray(200 * 1024**2)", command_memory_bytes=100 * 1024**2)
    assert "MemoryError" in failure.error.message


def test_of_much_output_the_beginning_is_kept_and_nobody_waits() -> None:
    result = result_of("sh", "-c", "yes out | head -c 1000000; yes error | head -c 1000000 >&2; echo end")
    assert len(result["stdout"]) == len(result["stderr"]) == KEPT_BYTES
    assert result["stdout"].startswith("out\nout\n")
    assert result["truncated"]


def test_output_that_is_no_text_is_made_one_that_the_database_takes() -> None:
    assert result_of("sh", "-c", r"printf 'a\000\377b'")["stdout"] == "a\ufffd\ufffdb"


def test_an_exit_code_that_is_not_zero_is_a_failure_worth_another_try_and_keeps_the_output() -> None:
    failure = failure_of("sh", "-c", "echo out; echo 'no space left' >&2; exit 3")
    assert failure.error.message == "sh ended with exit code 3: no space left"
    assert not failure.error.permanent
    assert failure.result == {"exit_code": 3, "stdout": "out\n", "stderr": "no space left\n", "truncated": False}


def test_of_a_long_complaint_the_message_tells_the_end() -> None:
    failure = failure_of("sh", "-c", "yes warning | head -c 50000 >&2; echo 'the reason' >&2; exit 1")
    assert failure.error.message.endswith("the reason")
    assert len(failure.error.message) < 1_100


def test_a_command_that_a_signal_ended_says_which() -> None:
    failure = failure_of("sh", "-c", "kill -USR1 $$")
    assert failure.error.message == "sh was ended by signal 10."
    assert failure.result["exit_code"] == -10


def test_an_exit_code_of_127_is_the_commands_own() -> None:
    assert failure_of("sh", "-c", "exit 127").result["exit_code"] == 127


@pytest.mark.parametrize("program", ["no-such-program", "/etc/passwd"])
def test_what_is_not_there_or_no_program_fails_for_good(program: str) -> None:
    failure = failure_of(program)
    assert failure.error.permanent
    assert "There is no program" in failure.error.message


def test_a_script_without_its_interpreter_fails_for_good(tmp_path: Path) -> None:
    script = tmp_path / "script"
    script.write_text("#!/no/such/interpreter\n")
    script.chmod(0o755)
    failure = failure_of(str(script), commands_allowed=str(script))
    assert failure.error.permanent
    assert failure.error.message == f"{script} could not be started: No such file or directory."


def test_the_worker_looks_again_whether_a_program_is_allowed() -> None:
    failure = failure_of("id", commands_allowed="echo")
    assert failure.error.permanent
    assert "Jobs may not run 'id' here" in failure.error.message


def test_arguments_that_are_allowed_no_longer_are_refused_at_the_run() -> None:
    failure = failure_of("echo", "-n", commands_allowed="echo {...}")
    assert failure.error.permanent
    assert "only as echo {...}" in failure.error.message
