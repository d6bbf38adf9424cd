"""Finds the servers' programs, and installs Debian's packages where that is allowed."""

from __future__ import annotations

import fcntl
import os
import shutil
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from processes.programs import ProgramError

PACKAGES = {"postgresql": "postgresql", "rabbitmq": "rabbitmq-server"}
# Each is installed by itself, where a command asks for it.
EXTRAS = {
    "pgbouncer": "pgbouncer",
    "prometheus": "prometheus",
    "chromium": "chromium",
    "nginx": "nginx-light",
    "docker-compose": "docker-compose",
    "systemd-analyze": "systemd",
}
POLICY = Path("/usr/sbin/policy-rc.d")
_LOCK = Path("/run/carillon-install.lock")


def ensure(program: str) -> Path:
    """Returns the folder of the programs of one of `PACKAGES` or `EXTRAS`; root on Debian installs them."""
    found = find(program)
    if found is None:
        with _one_at_a_time():
            found = find(program) or _install(program)
    return found


def find(program: str) -> Path | None:
    """Returns the folder that holds the programs; None if they are not installed."""
    return _FINDERS[program]()


def all_found() -> bool:
    return all(find(program) for program in PACKAGES)


def can_install() -> bool:
    return os.geteuid() == 0 and shutil.which("apt-get") is not None


def _postgresql() -> Path | None:
    on_path = shutil.which("postgres")
    versions = sorted(Path("/usr/lib/postgresql").glob("*/bin"), key=_version, reverse=True)
    candidates = [Path(on_path).resolve().parent] if on_path else []
    needed = ("initdb", "postgres", "createdb")
    return _first_with(needed, [*candidates, *versions, Path("/usr/local/pgsql/bin")])


def _rabbitmq() -> Path | None:
    """Debian's program on the path switches users and folders, so the one that it wraps comes first."""
    if not shutil.which("erl") or not shutil.which("epmd"):
        return None
    on_path = shutil.which("rabbitmq-server") or shutil.which("rabbitmq-server", path="/usr/sbin")
    wrapped = sorted(Path("/usr/lib/rabbitmq/lib").glob("*/sbin"), reverse=True)
    return _first_with(("rabbitmq-server",), [*wrapped, *([Path(on_path).parent] if on_path else [])])


def _pgbouncer() -> Path | None:
    on_path = shutil.which("pgbouncer") or shutil.which("pgbouncer", path="/usr/sbin")
    return Path(on_path).parent if on_path else None


def _prometheus() -> Path | None:
    on_path = shutil.which("prometheus")
    return _first_with(("prometheus", "promtool"), [Path(on_path).parent] if on_path else [])


def _chromium() -> Path | None:
    on_path = shutil.which("chromium")
    return Path(on_path).parent if on_path else None


def _nginx() -> Path | None:
    on_path = shutil.which("nginx") or shutil.which("nginx", path="/usr/sbin")
    return Path(on_path).parent if on_path else None


def _docker_compose() -> Path | None:
    on_path = shutil.which("docker-compose")
    return Path(on_path).parent if on_path else None


def _systemd_analyze() -> Path | None:
    on_path = shutil.which("systemd-analyze")
    return Path(on_path).parent if on_path else None


_FINDERS = {
    "postgresql": _postgresql,
    "rabbitmq": _rabbitmq,
    "pgbouncer": _pgbouncer,
    "prometheus": _prometheus,
    "chromium": _chromium,
    "nginx": _nginx,
    "docker-compose": _docker_compose,
    "systemd-analyze": _systemd_analyze,
}


def _first_with(names: tuple[str, ...], folders: list[Path]) -> Path | None:
    return next((folder for folder in folders if all((folder / name).exists() for name in names)), None)


def _version(folder: Path) -> float:
    try:
        return float(folder.parent.name)
    except ValueError:
        return 0.0


def _install(program: str) -> Path:
    if not can_install():
        raise ProgramError(missing(program))
    packages = _packages(program)
    print(f"carillon: installing {' and '.join(packages)} ...", flush=True)  # noqa: T201
    with _no_daemons():
        _apt_get("update")
        _apt_get("install", "-y", "--no-install-recommends", *packages)
    found = find(program)
    if found is None:
        raise ProgramError(missing(program))
    return found


@contextmanager
def _one_at_a_time() -> Iterator[None]:
    """Keep other threads and processes from installing meanwhile, as far as they may install at all."""
    if not can_install():
        yield
        return
    with _LOCK.open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        yield


def _packages(program: str) -> list[str]:
    return list(PACKAGES.values()) if program in PACKAGES else [EXTRAS[program]]


def missing(program: str) -> str:
    """Returns one line that names the missing programs and the remedy."""
    if program in EXTRAS:
        return f"{program} is not installed: install {EXTRAS[program]} (apt-get, as root)."
    return (
        f"The programs of {program} are not installed: install {' and '.join(PACKAGES.values())} "
        "(apt-get, as root), or run `docker compose up -d postgres rabbitmq`, or set DATABASE_URL and "
        "RABBITMQ_URL (for the tests TEST_DATABASE_URL and TEST_RABBITMQ_URL)."
    )


def _apt_get(*arguments: str) -> None:
    done = subprocess.run(
        ["apt-get", "-q", "-o", "DPkg::Lock::Timeout=300", *arguments],
        env={**os.environ, "DEBIAN_FRONTEND": "noninteractive"},
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        check=False,
    )
    if done.returncode:
        last_lines = "\n".join(done.stdout.splitlines()[-15:])
        raise ProgramError(f"apt-get {arguments[0]} failed:\n{last_lines}")


@contextmanager
def _no_daemons() -> Iterator[None]:
    """Keep Debian from starting its own servers while it installs them: we start private ones."""
    if POLICY.exists():
        yield  # the machine has a rule of its own; it stays
        return
    POLICY.write_text("#!/bin/sh\nexit 101\n")
    POLICY.chmod(0o755)
    try:
        yield
    finally:
        POLICY.unlink(missing_ok=True)
