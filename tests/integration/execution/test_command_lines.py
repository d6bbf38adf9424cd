"""What a command writes is in the log of its run: while it goes on, in bounds, and under the fence of its attempt."""

from __future__ import annotations

import os
from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing, contextmanager
from functools import partial
from pathlib import Path
from typing import Any

import pytest
from structlog.testing import capture_logs

from actors.commands import command_log
from actors.commands.command_log import CommandLog
from actors.handlers import command
from core.errors import Aborted, AbortReason, DatabaseUnavailable
from services.execution import claiming, command_lines, workers
from services.execution.work import Result, Stopped, Succeeded, Work
from services.messaging import broker as brokers
from services.runtime.abort_scope import AbortScope
from tests.factories import GivenSystem, first_run, given_system, record
from tests.integration.api.client import Client, served
from tests.integration.changes.watching import Watcher
from tests.waiting import LONGEST, until


def commanding() -> GivenSystem:
    return given_system(commands_allowed="sh")


def claimed(system: GivenSystem, script: str = "") -> Work:
    """An attempt under way whose command is this script."""
    first_run(system, task_type="run_command", data={"argv": ["sh", "-c", script]})
    [work] = claiming.claim(system, workers.register(system), brokers.RUNS_COMMAND, 1)
    return work


def shown(system: GivenSystem, work: Work) -> list[dict[str, Any]]:
    """The log of a run as the API shows it."""
    answer = Client(served(system)).simulate_get(f"/api/runs/{work.run_id}/log")
    return list(answer.json["results"])


def texts(system: GivenSystem, work: Work) -> list[str]:
    return [one["text"] for one in shown(system, work)]


def succeeded(result: Result) -> dict[str, Any]:
    assert isinstance(result, Succeeded), result
    return dict(result.result)


@contextmanager
def gate(path: Path) -> Iterator[int]:
    """A pipe that a command reads, which ends with the test, so that nothing waits for it any longer."""
    os.mkfifo(path)
    opened = os.open(path, os.O_RDWR)
    try:
        yield opened
    finally:
        os.write(opened, b"go\n" * 2)
        os.close(opened)


def test_lines_are_readable_while_the_command_still_runs(sqlite: str, tmp_path: Path) -> None:
    system, path = commanding(), tmp_path / "gate"
    work = claimed(system, f"exec 3<> {path}; echo one; echo two >&2; read x <&3; printf three")
    watcher = Watcher()
    with ThreadPoolExecutor(1) as pool, gate(path) as opened:
        result = pool.submit(command.perform, system, work, AbortScope())
        until(lambda: len(shown(system, work)) == 2, "the lines of a command that goes on")
        assert not result.done()
        assert work.run_id in watcher.look().runs, "whoever listens hears of them"
        os.write(opened, b"go\n")
        assert succeeded(result.result()) == {
            "exit_code": 0,
            "stdout": "one\nthree",
            "stderr": "two\n",
            "truncated": False,
        }
    assert [(one["number"], one["attempt"]) for one in shown(system, work)] == [(1, 1), (2, 1), (3, 1)]
    assert sorted(texts(system, work)) == ["one", "three", "two"]


def test_a_command_that_is_stopped_leaves_the_lines_it_wrote(sqlite: str, tmp_path: Path) -> None:
    system, path, scope = commanding(), tmp_path / "gate", AbortScope()
    work = claimed(system, f"exec 3<> {path}; echo one; read x <&3")
    with ThreadPoolExecutor(1) as pool, gate(path):
        result = pool.submit(command.perform, system, work, scope)
        until(lambda: texts(system, work) == ["one"], "the line")
        scope.abort(AbortReason.CANCELLED)
        with pytest.raises(Aborted):
            result.result()
    assert texts(system, work) == ["one"]


def test_of_much_output_the_log_has_the_end_and_the_result_the_beginning(sqlite: str) -> None:
    system = commanding()
    work = claimed(system, "seq 100000")
    result = succeeded(command.perform(system, work, AbortScope()))
    assert result["stdout"].startswith("1\n2\n3\n")
    assert result["truncated"]
    lines = shown(system, work)
    assert 0 < len(lines) <= 1_000
    assert lines[-1]["text"] == "100000"
    assert lines[-1]["number"] > len(lines), "what was left out is missing in the numbers"


def test_where_lines_are_not_wanted_the_result_alone_tells_what_was_written(sqlite: str) -> None:
    system = given_system(commands_allowed="sh", command_lines=False)
    work = claimed(system, "echo one; echo two >&2")
    result = succeeded(command.perform(system, work, AbortScope()))
    assert (result["stdout"], result["stderr"]) == ("one\n", "two\n")
    assert shown(system, work) == []


@pytest.mark.parametrize(
    ("error", "stored"),
    [
        (DatabaseUnavailable("It is away."), [(1, "first"), (2, "second"), (3, "third")]),
        (ValueError("A fault."), [(3, "third")]),
    ],
)
def test_lines_that_cannot_be_stored_wait_for_a_database_that_is_away_and_no_fault_fails_the_command(
    sqlite: str, monkeypatch: pytest.MonkeyPatch, error: Exception, stored: list[tuple[int, str]]
) -> None:
    tried: list[Sequence[str]] = []

    def refuse(_system: object, _work: object, lines: Sequence[str], _left_out: int) -> bool:
        tried.append(lines)
        raise error

    def is_tried(line: str) -> bool:
        lines.look()  # which does nothing while the batch before is under way
        return any(line in batch for batch in tried)

    system = commanding()
    work = claimed(system)
    monkeypatch.setattr(command_log, "EVERY_SECONDS", 0)
    monkeypatch.setattr(command_log, "_LAST_SECONDS", LONGEST)
    with monkeypatch.context() as patch, capture_logs() as logs, closing(CommandLog(system, work)) as lines:
        patch.setattr(command_lines, "add", refuse)
        for line in ("first", "second"):
            lines.out(f"{line}\n".encode())
            until(partial(is_tried, line), "the batch to be refused")
        until(lambda: lines._under_way is None or lines._under_way.done(), "the last try to be over")
        patch.undo()
        lines.out(b"third")
    assert [one["event"] for one in logs] == ["command_lines_not_stored"]
    assert [(one["number"], one["text"]) for one in shown(system, work)] == stored


def test_a_command_succeeds_whose_lines_cannot_be_stored(sqlite: str, monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(*_: object) -> bool:
        raise DatabaseUnavailable("It is away.")

    monkeypatch.setattr(command_lines, "add", refuse)
    system = commanding()
    assert succeeded(command.perform(system, claimed(system, "echo out"), AbortScope()))["stdout"] == "out\n"


def test_while_lines_are_stored_more_are_read(sqlite: str, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """The database answers only once the command has written far more than a pipe holds, and gone on."""
    system, path, wrote = commanding(), tmp_path / "gate", tmp_path / "wrote"
    work = claimed(system, f"exec 3<> {path}; echo one; read x <&3; seq 100000; echo > {wrote}; read x <&3")
    is_asked: list[int] = []
    has_gone_on: list[bool] = []

    def wait(*_: object) -> bool:
        is_asked.append(1)
        until(wrote.exists, "the command to have written all")
        has_gone_on.append(True)
        return True

    with ThreadPoolExecutor(1) as pool, gate(path) as opened:
        monkeypatch.setattr(command_lines, "add", wait)
        result = pool.submit(command.perform, system, work, AbortScope())
        until(lambda: is_asked, "the first batch")
        os.write(opened, b"go\n")
        until(wrote.exists, "the command to have written all")
        os.write(opened, b"go\n")
        assert succeeded(result.result())["truncated"]
    assert has_gone_on, "while the database had not answered"


def test_lines_are_numbered_on_and_the_newest_are_kept(store: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("services.execution.reports.LINES_KEPT", 5)
    system = commanding()
    work = claimed(system)
    assert command_lines.add(system, work, ["one", "two"], left_out=0)
    assert command_lines.add(system, work, ["five"], left_out=2)
    assert [one["number"] for one in shown(system, work)] == [1, 2, 5]
    assert command_lines.add(system, work, ["seven"], left_out=1)
    assert [one["number"] for one in shown(system, work)] == [5, 7]
    assert command_lines.add(system, work, ["last"], left_out=10**12), "numbers are never used up"
    assert [(one["number"], one["text"]) for one in shown(system, work)] == [(13, "last")]


def test_lines_of_an_attempt_that_is_over_are_refused(sqlite: str) -> None:
    system = commanding()
    work = claimed(system)
    assert command_lines.add(system, work, ["one"], left_out=0)
    record(system, work, Stopped(AbortReason.SHUTDOWN))
    assert not command_lines.add(system, work, ["late"], left_out=0)
    [again] = claiming.claim(system, workers.register(system), brokers.RUNS_COMMAND, 1)
    assert not command_lines.add(system, work, ["late"], left_out=0)
    with closing(CommandLog(system, work)) as lines:
        lines.out(b"late\n")
    assert texts(system, again) == ["one"]
