"""Kinds of task of one's own: the documented example works as it stands, and what is wrong is told in one line."""

from __future__ import annotations

import asyncio
import re
import sys
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from pydantic import BaseModel
from structlog.testing import capture_logs

from actors.handlers import custom_task
from core import storable
from core.errors import Aborted, AbortReason, PermanentFailure, TransientFailure
from core.principals import LOCAL
from core.states import RunStatus
from core.trace_context import TraceContext
from models.tables import db
from services.execution import claiming, workers
from services.execution.work import Failed, Succeeded, Work
from services.jobs import creating, requested_runs
from services.messaging import broker as brokers
from services.runtime.abort_scope import AbortScope
from services.task_types import loading, registry
from services.task_types.registry import Task, TaskType
from settings import ConfigurationError, Settings
from tests.factories import GivenSystem, given_system, new_job, record, runs_of, stored_run
from tests.integration.api.client import Client, served

DOCUMENT = Path(__file__).parents[3] / "docs" / "task_types.md"


@pytest.fixture(autouse=True)
def _nothing_stays_registered(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(registry, "_TYPES", dict(registry._TYPES))


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    """A folder for modules, which are forgotten afterwards."""
    monkeypatch.syspath_prepend(str(tmp_path))
    before = set(sys.modules)
    yield tmp_path
    for name in set(sys.modules) - before:
        if getattr(sys.modules[name], "__file__", "").startswith(str(tmp_path)):
            del sys.modules[name]


@pytest.fixture
def documented(folder: Path) -> None:
    """The example of the documentation, loaded as a process loads it."""
    [code] = re.findall(r"```python\n(.*?)```", DOCUMENT.read_text(), re.DOTALL)
    (folder / "thumbnails.py").write_text(code)
    loading.load(Settings(task_types="thumbnails"))


def claimed(system: GivenSystem, data: dict[str, Any]) -> Work:
    creating.create(LOCAL, system, new_job(task_type="thumbnail", data=data))
    [work] = claiming.claim(system, workers.register(system), brokers.RUNS_CUSTOM, 1)
    return work


def test_the_documented_example_does_its_work(documented: None, system: GivenSystem) -> None:
    work = claimed(system, {"picture": "a.png"})
    record(system, work, custom_task.perform(system, work, AbortScope()))
    [run] = runs_of(work.job_id)
    assert (run.status, run.result) == (RunStatus.COMPLETED, {"thumbnail": "a.png@200", "attempt": 1})


def test_the_documented_example_fails_for_good_where_it_says_so(documented: None, system: GivenSystem) -> None:
    work = claimed(system, {"picture": "a.gif"})
    record(system, work, custom_task.perform(system, work, AbortScope()))
    stored = stored_run(work.run_id)
    assert (stored.status, stored.error_message) == (RunStatus.FAILED, "a.gif is no PNG.")


def test_the_documented_example_stops_when_it_is_told_to(documented: None, system: GivenSystem) -> None:
    scope = AbortScope()
    scope.abort(AbortReason.CANCELLED)
    with pytest.raises(Aborted):
        custom_task.perform(system, claimed(system, {"picture": "a.png"}), scope)


def test_a_job_is_checked_against_the_documented_model(documented: None, system: GivenSystem) -> None:
    client = Client(served(system))
    listed = {one["key"]: one for one in client.simulate_get("/api/jobs/types").json}
    assert listed["thumbnail"]["schema"]["properties"]["width"]["maximum"] == 2_000
    job = {"task_type": "thumbnail", "schedule": {"type": "immediate"}}
    assert client.refused(**job, data={"width": 3}) == {
        "data.picture": "is required.",
        "data.width": "must be at least 16, not 3.",
    }
    client.create(**job, data={"picture": "a.png", "width": 16})


def test_a_module_is_loaded_once_however_often_it_is_named(documented: None) -> None:
    loading.load(Settings(task_types=" thumbnails, thumbnails "))
    assert [one.key for one in registry.known()].count("thumbnail") == 1


# --- What a function may do --------------------------------------------------------------------------------


class Nothing(BaseModel):
    """No parameters."""


class Mute(Exception):  # noqa: N818  what it says is the matter
    """Cannot even say what it is."""

    def __str__(self) -> str:
        raise RuntimeError("no words")


def outcome(system: GivenSystem, perform: Any) -> Succeeded | Failed:
    registry.register(TaskType("thumbnail", "Any", Nothing, perform=perform))
    result = custom_task.perform(system, claimed(system, {}), AbortScope())
    assert isinstance(result, Succeeded | Failed)
    return result


def raising(error: BaseException) -> Any:
    def perform(_task: Task) -> None:
        raise error

    return perform


def test_a_function_gets_the_headers_that_carry_its_trace_on(system: GivenSystem) -> None:
    registry.register(TaskType("thumbnail", "Any", Nothing, perform=lambda task: dict(task.trace_headers)))
    trace = TraceContext("1" * 32, "2" * 16, state="a=1")
    work = claimed(system, {})
    for carried, headers in ((None, {}), (trace, trace.headers)):
        result = custom_task.perform(system, replace(work, carried=carried), AbortScope())
        assert isinstance(result, Succeeded)
        assert result.result == headers


def test_a_time_limit_that_cannot_be_told_is_that_of_a_callback(
    system: GivenSystem, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(registry, "_broken_limits_logged", {})

    def broken(_settings: Settings) -> float:
        raise KeyError("x")

    registry.register(TaskType("thumbnail", "Any", Nothing, perform=lambda _task: None, time_limit=broken))
    with capture_logs() as logged:
        limits = {claimed(system, {}).time_limit_seconds for _ in range(2)}
    assert limits == {system.settings.callback_time_limit_seconds}
    assert [line["event"] for line in logged].count("time_limit_broke") == 1, "at most once a minute"


@pytest.mark.parametrize("made", [None, 7, "x", [1], {"a": None}])
def test_whatever_is_json_is_a_result(system: GivenSystem, made: Any) -> None:
    result = outcome(system, lambda _task: made)
    assert isinstance(result, Succeeded)
    assert result.result == made


@pytest.mark.parametrize(
    ("perform", "kind", "says"),
    [
        (raising(TransientFailure("Busy.")), TransientFailure, "Busy."),
        (raising(PermanentFailure("Never.")), PermanentFailure, "Never."),
        (raising(KeyError("x")), TransientFailure, "The task broke: KeyError: 'x'"),
        (raising(SystemExit("no such file")), TransientFailure, "The task broke: SystemExit: no such file"),
        (raising(TransientFailure(KeyError("x"))), TransientFailure, "KeyError: 'x'"),  # type: ignore[arg-type]
        (raising(Mute()), TransientFailure, "The task broke: Mute"),
        (raising(asyncio.CancelledError("by itself")), TransientFailure, "CancelledError: by itself"),
        (lambda _task: (number for number in (1,)), PermanentFailure, "returned a generator, so nothing was done"),
        (lambda _task: asyncio.sleep(1), PermanentFailure, "returned a coroutine, so nothing was done"),
    ],
)
def test_what_goes_wrong_is_told(system: GivenSystem, perform: Any, kind: type[Exception], says: str) -> None:
    result = outcome(system, perform)
    assert isinstance(result, Failed)
    assert isinstance(result.error, kind)
    assert says in storable.text(result.error.message)


@pytest.mark.parametrize(
    ("made", "kept", "note"),
    [
        ({"name": "\udcff", "nul": "a\0b"}, {"name": "\ufffd", "nul": "a\ufffdb"}, "kept as text"),
        ({"pair": "\ud83d\ude00"}, {"pair": "\U0001f600"}, "kept as text"),
        (float("nan"), "nan", "kept as text"),
        ([Path("a/b"), b"\xff", {1}], ["a/b", "\ufffd", "{1}"], "kept as text"),
        ([Mute()], ["Mute (no text)"], "kept as text"),
        ("x" * 65_535, None, "longer than 65536 bytes"),
    ],
)
def test_a_function_that_has_returned_is_done_whatever_it_returned(
    system: GivenSystem, made: Any, kept: Any, note: str
) -> None:
    """It is not called again, and of what it returned as much is kept as can be."""
    registry.register(TaskType("thumbnail", "Any", Nothing, perform=lambda _task: made))
    work = claimed(system, {})
    record(system, work, custom_task.perform(system, work, AbortScope()))
    stored = stored_run(work.run_id)
    assert (stored.status, stored.result) == (RunStatus.COMPLETED, kept)
    assert note in stored.message


# --- Registration ------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("task_type", "says"),
    [
        (TaskType("a b", "x", Nothing, perform=print), "has a key that no job can name"),
        (TaskType("http", "x", Nothing, perform=print), "is registered twice"),
        (TaskType("mine", "x", dict, perform=print), "no pydantic model"),  # type: ignore[arg-type]
        (TaskType("mine", "x", Nothing), "has nobody to do it"),
        (TaskType("mine", "x", Nothing, queue=brokers.RUNS_EMAIL, handler="upload"), "a queue of its own"),
        (TaskType("mine", "x", Nothing, queue=brokers.RUNS_HTTP, handler="upload"), "a queue of its own"),
    ],
)
def test_a_kind_that_could_not_be_done_is_not_registered(task_type: TaskType, says: str) -> None:
    with pytest.raises((TypeError, ValueError), match=says):
        registry.register(task_type)


@pytest.mark.parametrize(
    ("code", "says"),
    [
        (None, "No module named 'mine'; put its folder into PYTHONPATH"),
        ("import nowhere.at_all", "No module named 'nowhere'"),
        ("x = 1", "registers no task type"),
        ("raise RuntimeError('first\\nsecond')", "which fails: first second"),
        ("def x(:", "which fails: invalid syntax"),
        (
            "from services.task_types.registry import *; register(TaskType('mine', 'x', BaseModel))",
            "'mine' has nobody to do it",
        ),
    ],
)
def test_a_module_that_cannot_be_loaded_is_told_in_one_line(folder: Path, code: str | None, says: str) -> None:
    if code is not None:
        (folder / "mine.py").write_text(code)
    with pytest.raises(ConfigurationError) as refused:
        loading.load(Settings(task_types="mine"))
    assert "\n" not in str(refused.value)
    assert str(refused.value).startswith("TASK_TYPES names the module 'mine'")
    assert says in str(refused.value)


def test_a_kind_that_is_not_registered_here_is_told_by_name(documented: None, system: GivenSystem) -> None:
    work = claimed(system, {"picture": "a.png"})
    del registry._TYPES["thumbnail"]
    result = custom_task.perform(system, work, AbortScope())
    assert isinstance(result, Failed)
    assert "name its module in TASK_TYPES" in result.error.message


def test_the_check_of_triggered_data_keeps_nobody_waiting_for_its_job(sqlite: str) -> None:
    system, checked_within = given_system(), []

    def check(_settings: Settings, _parameters: BaseModel) -> None:
        checked_within.append(db.in_transaction())

    registry.register(TaskType("thumbnail", "Any", Nothing, perform=lambda _task: None, check=check))
    job_id = creating.create(LOCAL, system, new_job(task_type="thumbnail", data={}))
    requested_runs.trigger(LOCAL, system, job_id, {})
    assert checked_within == [False, False]
