"""The rooms and their walls: contracts of import-linter, and the rules about single files that it cannot see."""

from __future__ import annotations

import ast
import functools
import re
import subprocess
import sys
import threading
import tomllib
from collections.abc import Iterator
from pathlib import Path
from uuid import uuid4

import dramatiq
import pytest

import periodic
from actors.execution import RunExecutor
from actors.handling import HANDLERS
from actors.middleware import RowDecidedRetries
from services.execution.engine import Engine
from services.execution.leases import Leases
from services.execution.workers import WorkerIdentity
from services.messaging import broker as brokers
from services.messaging import doorbell
from tests.factories import given_system

# One process reads the files, instead of each.
pytestmark = pytest.mark.xdist_group("architecture")

ROOT = Path(__file__).parents[2]
ROOMS: list[str] = tomllib.loads((ROOT / "pyproject.toml").read_text())["tool"]["importlinter"]["root_packages"]
BESIDE_THE_PRODUCT = {"tests", "bench"}
IMPORTS_TESTS = re.compile(
    r"^ *(?:(?:from|import) tests\.[\w.]*\btest_|from tests[\w.]* import (?:\([^)]*|.*)\btest_)", re.MULTILINE
)
FILES = [*ROOT.glob("*.py"), *(file for room in ROOMS for file in (ROOT / room).rglob("*.py"))]


@functools.cache
def nodes_of(file: Path) -> list[ast.AST]:
    """All that stands in a file; each is read once."""
    return [*ast.walk(ast.parse(file.read_text()))]


@functools.cache
def imported(file: Path) -> frozenset[str]:
    """Every module a file imports, in functions too; of `from a import b` both `a` and `a.b`."""
    return frozenset(_imported(file))


def _imported(file: Path) -> Iterator[str]:
    for node in nodes_of(file):
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            assert node.level == 0, f"{file} has a relative import"
            module = node.module or ""
            yield module
            yield from (f"{module}.{alias.name}" for alias in node.names)


def importers_of(module: str) -> set[str]:
    """The files that import this module or one below it."""
    return {
        str(file.relative_to(ROOT))
        for file in FILES
        if any(name == module or name.startswith(f"{module}.") for name in imported(file))
    }


def test_the_contracts_of_import_linter_hold() -> None:
    linter = Path(sys.executable).with_name("lint-imports")
    checked = subprocess.run([linter, "--no-cache"], cwd=ROOT, capture_output=True, text=True, check=False)
    assert checked.returncode == 0, checked.stdout + checked.stderr
    assert " 0 broken" in checked.stdout


def test_there_are_files_to_look_at() -> None:
    names = {str(file.relative_to(ROOT)) for file in FILES}
    assert {
        "cli.py",
        "periodic.py",
        "settings/model.py",
        "services/jobs/lifecycle.py",
        "core/schedules/cron.py",
    } <= names


def test_every_room_is_known_to_import_linter() -> None:
    rooms = {folder.parent.name for folder in ROOT.glob("*/__init__.py")} - BESIDE_THE_PRODUCT
    assert rooms == set(ROOMS)


def test_no_module_imports_a_module_of_tests() -> None:
    """Tests share helper modules, such as `tests/factories.py`, so that a change of one test affects no other."""
    importers = {
        str(file.relative_to(ROOT))
        for file in [*FILES, *(ROOT / "tests").rglob("*.py")]
        if IMPORTS_TESTS.search(file.read_text())
    }
    assert importers == set()


def test_only_the_processes_that_send_and_hear_beats_import_them() -> None:
    assert importers_of("periodic") == {"processes/coordinator.py", "processes/periodic.py"}


def test_nobody_imports_the_command_line() -> None:
    assert importers_of("cli") == set()


def test_no_text_shows_an_instant_in_another_form_than_the_apis() -> None:
    """`core.instants.shown` writes `Z`; a text with `isoformat()` would have `+00:00`."""
    others = {
        str(file.relative_to(ROOT))
        for file in FILES
        if not file.is_relative_to(ROOT / "bench")
        if any(isinstance(node, ast.FormattedValue) and _is_isoformat(node.value) for node in nodes_of(file))
    }
    assert others == {"core/schedules/recurring.py"}  # a seed of jitter, which nobody sees


def _is_isoformat(node: ast.expr) -> bool:
    return isinstance(node, ast.Call) and isinstance(node.func, ast.Attribute) and node.func.attr == "isoformat"


def test_the_core_imports_no_settings() -> None:
    assert not {name for name in importers_of("settings") if name.startswith("core/")}


def test_models_and_migrations_are_told_where_the_database_is() -> None:
    assert not {name for name in importers_of("settings") if name.startswith(("models/", "migrations/"))}


def test_the_services_that_read_open_no_transaction_to_write() -> None:
    writers = {
        str(file.relative_to(ROOT))
        for file in FILES
        if file.is_relative_to(ROOT / "services/reading")
        if any(isinstance(node, ast.Attribute) and node.attr == "transaction" for node in nodes_of(file))
    }
    assert writers == set()


def test_only_the_start_of_a_process_reads_the_environment() -> None:
    loaders = {
        str(file.relative_to(ROOT))
        for file in FILES
        if imported(file) & {"settings.load", "settings.model.load"}
        or any(loads_settings(node) for node in nodes_of(file))
    }
    assert loaders == {"processes/start.py", "settings/__init__.py"}


def loads_settings(node: ast.AST) -> bool:
    """Whether this is `settings.load`, or `model.load` of the same package."""
    return (
        isinstance(node, ast.Attribute)
        and node.attr == "load"
        and isinstance(node.value, ast.Name)
        and node.value.id in ("settings", "model")
    )


def test_the_product_itself_looks_into_the_environment_nowhere_else() -> None:
    """`local` starts other programs and hands its environment on; the rooms of the product do not look at it."""
    product = [
        file for file in FILES if not str(file.relative_to(ROOT)).startswith(("processes/environment.py", "local/"))
    ]
    looking = {
        str(file.relative_to(ROOT))
        for file in product
        for node in nodes_of(file)
        if isinstance(node, ast.Attribute) and node.attr in ("environ", "getenv")
    }
    assert looking == set()


def test_cookies_are_read_by_no_parser_but_our_own() -> None:
    """Falcon's takes the square of the length of an escaped value, with Python before 3.11.10."""
    product = [file for file in FILES if not str(file.relative_to(ROOT)).startswith("local/")]
    reading = {
        str(file.relative_to(ROOT))
        for file in product
        for node in nodes_of(file)
        if isinstance(node, ast.Attribute) and node.attr in ("cookies", "get_cookie_values")
    }
    assert (reading, importers_of("http.cookies")) == (set(), set())


def test_only_these_files_know_dramatiq_and_periodiq() -> None:
    outside_actors = {name for name in importers_of("dramatiq") if not name.startswith("actors/")}
    messaging = {f"services/messaging/{name}.py" for name in ("broker", "consumers", "doorbell")}
    assert outside_actors == {"periodic.py", *messaging}
    assert importers_of("periodiq") == {"periodic.py"}


def test_only_a_process_that_exports_spans_imports_what_they_are_made_with() -> None:
    tracer = "services/runtime/open_telemetry.py"
    assert importers_of("opentelemetry") == {tracer}
    assert importers_of("services.runtime.open_telemetry") == {"processes/tracing.py"}
    whole = ast.parse((ROOT / "processes/tracing.py").read_text())
    at_once = {node.module for node in whole.body if isinstance(node, ast.ImportFrom)}
    assert "services.runtime.open_telemetry" not in at_once  # but in a function


def declared() -> brokers.InProcessBroker:
    """A broker with every actor there is."""
    broker = brokers.InProcessBroker()
    system = given_system()
    worker = WorkerIdentity(uuid4(), 1)
    broker.add_middleware(RowDecidedRetries(system))
    for queue in brokers.RUNS:
        RunExecutor(system, Engine(system, worker), Leases(system, worker), queue, threading.Event()).declare(broker)
    periodic.declare(broker, lambda: None)
    return broker


def test_every_actor_name_that_is_rung_is_a_registered_actor() -> None:
    broker = declared()
    for queue in brokers.RUNS:
        assert broker.get_actor(doorbell.actor_of(queue)).queue_name == queue
    beats = [actor for actor in broker.actors.values() if "periodic" in actor.options]
    assert {(actor.actor_name, actor.queue_name) for actor in beats} == {("beat", brokers.BEATS)}
    assert set(broker.actors) == {*map(doorbell.actor_of, brokers.RUNS), "beat"}


def test_every_queue_of_runs_has_a_handler() -> None:
    assert set(HANDLERS) == set(brokers.RUNS)


def test_every_message_made_names_a_registered_actor() -> None:
    """Whoever builds a message by hand, in whatever file, names an actor that is there."""
    broker = declared()
    makers = {
        str(file.relative_to(ROOT))
        for file in FILES
        for node in nodes_of(file)
        if isinstance(node, ast.Call) and isinstance(node.func, ast.Attribute) and node.func.attr == "Message"
    }
    assert makers == {"services/messaging/doorbell.py"}
    assert doorbell.actor_of(brokers.RUNS_HTTP) in broker.actors


@pytest.mark.parametrize("name", [*map(doorbell.actor_of, brokers.RUNS), "beat"])
def test_an_actor_takes_what_its_rings_carry(name: str) -> None:
    actor = declared().get_actor(name)
    arguments = {"run_id", "due_at"} if name != "beat" else set()
    code = actor.fn.__code__
    assert set(code.co_varnames[: code.co_argcount]) - {"self"} == arguments


def test_the_broker_has_none_of_dramatiqs_own_middleware() -> None:
    """Dramatiq's `Retries` would be a second authority over what is tried again."""
    own = [one for one in declared().middleware if isinstance(one, dramatiq.middleware.Retries)]
    assert own == []
