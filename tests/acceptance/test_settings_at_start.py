"""Wrong settings end a process at its start: status 2, one plain line for each fault, and no secret shown."""

from __future__ import annotations

import os
import socket
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest
from annotated_types import Ge, Le

from settings import Settings
from tests.acceptance import forked_commands
from tests.acceptance.installation import ROOT, Installation, free_port
from tests.waiting import LONGEST, until

pytestmark = pytest.mark.xdist_group("settings at start")  # one server of forks serves all

SECRET = "hunter2"  # noqa: S105  what must not be shown
POSTGRESQL = f"postgresql://carillon:{SECRET}@127.0.0.1:1/carillon"
RABBITMQ = f"amqp://carillon:{SECRET}@127.0.0.1:1/"
BOTH = {"DATABASE_URL": POSTGRESQL, "RABBITMQ_URL": RABBITMQ}
WRONG = {"PORT": "eighty", "LEASE_SECONDS": "-1", "INTERNAL_SECRET": SECRET, "CALLBACK_BASE_URL": SECRET}
OF_SERVICES = ("web", "worker", "coordinator", "periodic")
EMBEDDED = ("serve", "demo")
EVERY = (*OF_SERVICES, *EMBEDDED, "services", "migrate")
# The test's own port, and times so short that a busy machine may need longer.
HARD_TO_KEEP = {"PORT", "LEASE_SECONDS", "HEARTBEAT_SECONDS", "CALLBACK_TIME_LIMIT_SECONDS", "CONNECT_SECONDS"}


def refused(folder: Path, *arguments: str, **settings: str) -> list[str]:
    """The lines with which a process with these settings ends; nothing but the search path comes from outside."""
    ended = forked_commands.run(arguments, surroundings(folder, settings), folder)
    return complaints(ended.status, ended.output, ended.errors)


def surroundings(folder: Path, settings: dict[str, str]) -> dict[str, str]:
    return {"PATH": os.environ["PATH"], "DATA_DIR": str(folder / "data"), **settings}


def complaints(status: int | None, output: str, errors: str) -> list[str]:
    """The lines of a process that refused to start, in plain words and without a secret."""
    assert status == 2, output + errors
    assert "Traceback" not in output + errors
    assert SECRET not in output + errors
    return errors.splitlines()


@pytest.fixture
def taken_port() -> Iterator[str]:
    """A port that somebody listens on."""
    with socket.create_server(("127.0.0.1", 0)) as listening:
        yield str(listening.getsockname()[1])


@pytest.mark.parametrize("name", EVERY)
def test_every_process_says_all_that_is_wrong_one_line_a_fault(tmp_path: Path, name: str) -> None:
    names_both_faults(refused(tmp_path, name, **BOTH, **WRONG))


@pytest.mark.parametrize("name", ["web", "services"])
def test_a_process_that_is_started_from_the_command_line_says_so_too(tmp_path: Path, name: str) -> None:
    ended = subprocess.run(
        [sys.executable, str(ROOT / "cli.py"), name],
        env=surroundings(tmp_path, BOTH | WRONG),
        cwd=tmp_path,
        capture_output=True,
        text=True,
        timeout=LONGEST,
        check=False,
    )
    names_both_faults(complaints(ended.returncode, ended.stdout, ended.stderr))


def names_both_faults(lines: list[str]) -> None:
    """Assert that each wrong setting of WRONG has a line, and nothing else."""
    port, lease = sorted(lines, reverse=True)
    assert port.startswith("PORT=eighty: ")
    assert lease.startswith("LEASE_SECONDS=-1: ")


@pytest.mark.parametrize("name", ["worker", "serve", "services"])
def test_settings_that_contradict_each_other_are_all_named(tmp_path: Path, name: str) -> None:
    contradictory = {"HEARTBEAT_SECONDS": "40", "HOST": "0.0.0.0", "BEAT_PATIENCE_SECONDS": "200"}  # noqa: S104
    lines = refused(tmp_path, name, **BOTH, **contradictory, CALLBACK_BASE_URL=f"ftp://{SECRET}")
    assert sorted(line.split()[0].partition("=")[0] for line in lines) == [
        "BEAT_PATIENCE_SECONDS",
        "CALLBACK_BASE_URL",
        "HEARTBEAT_SECONDS",
        "HOST",
    ]


@pytest.mark.parametrize("name", OF_SERVICES)
def test_a_process_of_the_services_mode_needs_both_servers(tmp_path: Path, name: str) -> None:
    [line] = refused(tmp_path, name)
    assert line == "This process needs DATABASE_URL=postgresql://... and RABBITMQ_URL=amqp://...."


def test_mixed_pairs_are_refused(tmp_path: Path) -> None:
    [mixed] = refused(tmp_path, "web", RABBITMQ_URL=RABBITMQ, DATABASE_URL="sqlite:///x.db")
    assert mixed.startswith("RABBITMQ_URL needs DATABASE_URL=postgresql://")
    [alone] = refused(tmp_path, "serve", DATABASE_URL=POSTGRESQL)
    assert alone.startswith("DATABASE_URL names PostgreSQL, which goes with RABBITMQ_URL")


@pytest.mark.parametrize("name", EMBEDDED)
def test_the_embedded_server_refuses_to_be_the_services_mode(tmp_path: Path, name: str) -> None:
    [line] = refused(tmp_path, name, **BOTH)
    assert line.startswith("RABBITMQ_URL is set: that is the services mode.")


@pytest.mark.parametrize("alone", ["DATABASE_URL", "RABBITMQ_URL"])
def test_services_takes_both_servers_or_neither(tmp_path: Path, alone: str) -> None:
    [line] = refused(tmp_path, "services", **{alone: BOTH[alone]})
    assert line.startswith(alone)
    assert "Give both, or neither" in line


def test_services_knows_only_the_demo(tmp_path: Path) -> None:
    [line] = refused(tmp_path, "services", "demi")
    assert line == "services knows `demo` or nothing, not `demi`."


def test_urls_that_cannot_be_read_are_refused_without_showing_them(tmp_path: Path) -> None:
    unreadable = {
        "DATABASE_URL": f"postgresql://carillon:{SECRET}@db:99999/carillon",
        "RABBITMQ_URL": f"amqp://carillon:{SECRET}@mq:rabbit/",
        "CALLBACK_BASE_URL": f"http://carillon:{SECRET}@receiver:0",
    }
    lines = refused(tmp_path, "worker", **unreadable)
    assert [line.partition(" cannot be read: ")[0] for line in lines] == list(unreadable)


@pytest.mark.parametrize(
    ("name", "settings", "says"),
    [
        ("web", {"DATABASE_URL": f"{POSTGRESQL}?schema=x"}, "DATABASE_URL has the parameter schema, which libpq"),
        (
            "worker",
            {"DATABASE_URL": f"{POSTGRESQL}?connect_timeout=abc"},
            "DATABASE_URL: the parameter connect_timeout",
        ),
        ("migrate", {"DATABASE_URL": f"{POSTGRESQL}?sslmode=no"}, "DATABASE_URL: invalid sslmode value"),
        ("coordinator", {"RABBITMQ_URL": f"{RABBITMQ}?foo=1"}, "RABBITMQ_URL has the parameter foo, which"),
        ("periodic", {"RABBITMQ_URL": f"{RABBITMQ}?heartbeat=abc"}, "RABBITMQ_URL has the parameter heartbeat, whose"),
        ("autoscale", {"RABBITMQ_URL": f"{RABBITMQ};{RABBITMQ}a/b"}, "RABBITMQ_URL names a virtual host with a /"),
        ("services", {"DATABASE_URL": f"{POSTGRESQL}?pgbouncer=true"}, "DATABASE_URL has the parameter pgbouncer"),
        ("worker", {"LEASE_SECONDS": "1e12"}, "LEASE_SECONDS=1e12: "),
        ("coordinator", {"KEEP_HISTORY_DAYS": "800000"}, "KEEP_HISTORY_DAYS=800000: "),
        ("services", {"SHUTDOWN_GRACE_SECONDS": "1e12"}, "SHUTDOWN_GRACE_SECONDS=1e12: "),
    ],
)
def test_what_no_process_could_work_with_is_one_line(
    tmp_path: Path, name: str, settings: dict[str, str], says: str
) -> None:
    [line] = refused(tmp_path, name, **{**BOTH, **settings})
    assert line.startswith(says)


@pytest.mark.parametrize("name", ["web", "worker", "coordinator", "migrate"])
def test_a_database_that_holds_something_else_is_one_line(
    tmp_path: Path, postgresql: str, rabbitmq_url: str, name: str
) -> None:
    elsewhere = f"{postgresql}?options=-csearch_path%3Dnowhere"
    line = refused(tmp_path, name, DATABASE_URL=elsewhere, RABBITMQ_URL=rabbitmq_url)[-1]
    assert line.startswith("DATABASE_URL: search_path=nowhere names no schema")


def test_empty_and_missing_mean_the_same_to_the_services_too(tmp_path: Path) -> None:
    [line] = refused(tmp_path, "services", "demi", PORT=" ", SHUTDOWN_GRACE_SECONDS="", RABBITMQ_URL="")
    assert line.startswith("services knows")
    [line] = refused(tmp_path, "services", DATABASE_URL=POSTGRESQL, RABBITMQ_URL=" ", PORT=" ")
    assert "Give both, or neither" in line


@pytest.mark.parametrize("end", ["least", "most"])
def test_a_job_is_done_at_both_ends_of_what_settings_take(tmp_path: Path, end: str) -> None:
    extreme = {name.upper(): str(least if end == "least" else most) for name, (least, most) in bounds().items()}
    given = {name: value for name, value in extreme.items() if name not in HARD_TO_KEEP}
    with Installation(tmp_path, {"serve": 1}, given) as carillon:
        job_id = carillon.create({"type": "immediate"})
        until(lambda: carillon.get(f"/api/jobs/{job_id}")["status"] == "completed", "the job to be done")
    assert carillon.logged("Traceback") == carillon.logged('"exception"') == 0


def bounds() -> dict[str, tuple[float, float]]:
    """The least and the most that each setting takes which has both."""
    rules = {name: {type(rule): rule for rule in field.metadata} for name, field in Settings.model_fields.items()}
    return {name: (found[Ge].ge, found[Le].le) for name, found in rules.items() if Ge in found and Le in found}


@pytest.mark.parametrize("points", ["nowhere", "create.committed:often", "attempt.recorded:1,nowhere:2"])
def test_unknown_fault_points_are_refused(tmp_path: Path, points: str) -> None:
    [line] = refused(tmp_path, "worker", **BOTH, FAULT_POINTS=points)
    assert line.startswith("FAULT_POINTS")


def test_a_data_folder_that_cannot_be_made_is_refused(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("in the way")
    folder = tmp_path / "file" / "data"
    [line] = refused(tmp_path, "serve", DATA_DIR=str(folder))
    assert line.startswith(f"DATA_DIR={folder} cannot be used: ")


def test_a_second_server_on_the_same_data_folder_is_refused(embedded: Installation, tmp_path: Path) -> None:
    folder = tmp_path / "data"
    [line] = refused(tmp_path, "serve", DATA_DIR=str(folder), PORT=str(free_port()))
    assert line == f"DATA_DIR={folder} is in use by another Carillon; stop that one or name another folder."
    job_id = embedded.create({"type": "immediate"})
    assert embedded.get(f"/api/jobs/{job_id}")["id"] == job_id, "the first one goes on"


@pytest.mark.parametrize("name", ["worker", "coordinator", "periodic", "autoscale"])
def test_a_health_port_that_is_taken_is_refused(
    tmp_path: Path, postgresql: str, rabbitmq_url: str, taken_port: str, name: str
) -> None:
    mode = {"DATABASE_URL": postgresql, "RABBITMQ_URL": rabbitmq_url}
    line = refused(tmp_path, name, **mode, HEALTH_PORT=taken_port)[-1]
    assert line.startswith(f"HEALTH_PORT={taken_port} cannot be bound on HEALTH_HOST=127.0.0.1: ")


def test_a_port_that_is_taken_is_refused(tmp_path: Path, postgresql: str, rabbitmq_url: str, taken_port: str) -> None:
    mode = {"DATABASE_URL": postgresql, "RABBITMQ_URL": rabbitmq_url}
    for name, of_mode in (("web", mode), ("serve", {})):
        line = refused(tmp_path, name, **of_mode, PORT=taken_port)[-1]
        assert line.startswith(f"PORT={taken_port} cannot be bound: ")


@pytest.mark.parametrize(("more", "warned"), [({}, True), ({"PUBLIC_URL": "http://carillon.example.com"}, False)])
def test_an_address_that_leads_nowhere_is_warned_of(
    tmp_path: Path, taken_port: str, more: dict[str, str], warned: bool
) -> None:
    everywhere = {"HOST": "0.0.0.0", "INTERNAL_SECRET": SECRET, "PORT": taken_port}  # noqa: S104
    said = "\n".join(refused(tmp_path, "serve", **everywhere, **more))
    assert ("set PUBLIC_URL" in said) is warned
