"""A PostgreSQL server of one's own, in one folder, on a loopback port."""

from __future__ import annotations

import hashlib
import os
import secrets
import shutil
import signal
import socket
import stat
import struct
import subprocess
import tempfile
from pathlib import Path
from typing import Self

from local import install, ports, starting
from processes import programs

USER = "carillon"
NOT_DURABLE = ("-c", "fsync=off", "-c", "synchronous_commit=off", "-c", "full_page_writes=off")
# Of a table that was analyzed while it was empty the planner believes that it still is, until the next analysis. Tests
# empty their tables all the time, and users do not; a table that was never analyzed gets the plans that users get.
NOT_ANALYZED = ("-c", "autovacuum=off")


class PrivatePostgres:
    """A private server: same folder, same data, same port, from one start to the next.

    Without a folder it lives in a temporary one that `close` removes. Every method may be called in
    any state; `stop`, `kill` and `close` return when no process is left.
    """

    def __init__(self, folder: Path | None = None, *, durable: bool) -> None:
        self._temporary = folder is None
        self._durable = durable
        self._owner = server_user()
        self.folder = _reachable(folder or Path(tempfile.mkdtemp(prefix="carillon-postgres-")), self._owner)
        self._data = self.folder / "data"
        self._log = self.folder / "postgres.log"
        self._password = _remembered_password(self.folder / "password", self._owner)
        self._process: subprocess.Popen[bytes] | None = None
        self.port = ports.remembered(self.folder / "ports.json", ["postgres"])["postgres"]

    @property
    def url(self) -> str:
        return self._url_of(USER)

    @property
    def pid(self) -> int | None:
        """Returns the postmaster's process id while it runs."""
        return self._process.pid if self._process and self._process.poll() is None else None

    def start(self) -> None:
        """Start the server, and wait until it accepts connections and has the database of `url`."""
        if self.pid:
            return
        installed = install.ensure("postgresql")
        if not (self._data / "PG_VERSION").exists():
            self._initialise(installed)
        with self._log.open("ab") as log:
            self._process = programs.spawn(
                [str(installed / "postgres"), "-D", str(self._data), *self._settings()],
                output=log,
                folder=self.folder,
                environment=_environment(),
                user=self._owner,
                last_signal=signal.SIGINT,  # a fast shutdown, should we die
            )
        starting.wait_until_ready(self._answers, self._process, self._log)
        self.create_database(USER)

    def stop(self) -> None:
        """Shut down at once but in order: sessions are closed, the data is written."""
        self.thaw()
        if self._process:
            programs.end(self._process, by=signal.SIGINT, grace_seconds=30)

    def kill(self) -> None:
        """Kill every server process, as if the power had failed; committed data survives if durable."""
        if self._process:
            programs.kill_family(self._process)

    def restart(self) -> None:
        self.stop()
        self.start()

    def freeze(self) -> None:
        """Freeze the server: connections stay open and nothing answers."""
        if self.pid:
            os.kill(self.pid, signal.SIGSTOP)  # first, so that it starts no more backends
            programs.signal_all(programs.descendants(self.pid), signal.SIGSTOP)

    def thaw(self) -> None:
        """Resume a frozen server."""
        if self.pid:
            programs.signal_all([*programs.descendants(self.pid), self.pid], signal.SIGCONT)

    def create_database(self, name: str) -> str:
        """Create the database if there is none of this name. Returns its URL."""
        command = [str(install.ensure("postgresql") / "createdb"), "--maintenance-db=postgres"]
        address = ["--host=127.0.0.1", f"--port={self.port}", f"--username={USER}"]
        done = subprocess.run(
            [*command, *address, name],
            capture_output=True,
            text=True,
            check=False,
            env={**_environment(), "PGPASSWORD": self._password},
        )
        if done.returncode and "already exists" not in done.stderr:
            raise programs.ProgramError(done.stderr.strip())
        return self._url_of(name)

    def close(self) -> None:
        """Stop, and remove the folder if it is a temporary one."""
        self.stop()
        if self._temporary:
            shutil.rmtree(self.folder, ignore_errors=True)

    def __enter__(self) -> Self:
        self.start()
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def _url_of(self, database: str) -> str:
        return f"postgresql://{USER}:{self._password}@127.0.0.1:{self.port}/{database}"

    def _settings(self) -> list[str]:
        settings = {
            "port": self.port,
            "listen_addresses": "127.0.0.1",
            "unix_socket_directories": "",  # their paths may be 107 bytes long, and a folder's name more
            "max_connections": 400,  # four test processes, each with all that an installation has
            "dynamic_shared_memory_type": "mmap",  # inside the folder, so a kill leaves nothing outside
            "timezone": "UTC",
            "log_timezone": "UTC",
        }
        given = [word for name, value in settings.items() for word in ("-c", f"{name}={value}")]
        return given if self._durable else [*given, *NOT_DURABLE, *NOT_ANALYZED]

    def _initialise(self, installed: Path) -> None:
        unfinished = self.folder / "data.unfinished"  # renamed when whole, so a crash here harms nothing
        shutil.rmtree(unfinished, ignore_errors=True)
        options = ["--auth=scram-sha-256", f"--pwfile={self.folder / 'password'}", f"--username={USER}"]
        options += ["--encoding=UTF8", "--locale=C.UTF-8"]
        options += [] if self._durable else ["--no-sync"]
        with self._log.open("ab") as log:
            process = programs.spawn(
                [str(installed / "initdb"), *options, "-D", str(unfinished)],
                output=log,
                folder=self.folder,
                environment=_environment(),
                user=self._owner,
            )
        if process.wait():
            raise programs.ProgramError(f"initdb failed:\n{self._log.read_text(errors='replace')}")
        unfinished.rename(self._data)

    def _answers(self) -> bool:
        """Begin a session by hand: `R` asks to authenticate, `E` says that the server is starting up."""
        body = struct.pack("!I", 196608) + f"user\0{USER}\0database\0postgres\0\0".encode()
        try:
            with socket.create_connection(("127.0.0.1", self.port), timeout=5) as connection:
                connection.sendall(struct.pack("!I", len(body) + 4) + body)
                return connection.recv(1) == b"R"
        except OSError:
            return False


def _remembered_password(file: Path, owner: str | None) -> str:
    """Returns the password noted in the file, or a new one: other users of this machine can reach the port too."""
    if not file.exists():
        file.touch(mode=0o600)
        file.write_text(secrets.token_urlsafe(24))
        if owner is not None:
            shutil.chown(file, owner)
    return file.read_text().strip()


def server_user() -> str | None:
    """Returns the user to run a server as: None for the current one; for root, which PostgreSQL refuses, another."""
    if os.geteuid():
        return None
    import pwd  # noqa: PLC0415  only systems that have a root have it

    known = {entry.pw_name for entry in pwd.getpwall()}
    return next((name for name in ("postgres", "nobody") if name in known), None)


def _reachable(folder: Path, owner: str | None) -> Path:
    """Make the folder the server's own; where its user cannot get there (below /root), use a stand-in."""
    folder.mkdir(parents=True, exist_ok=True)
    if owner is None:
        return folder.resolve()
    if not all(parent.stat().st_mode & stat.S_IXOTH for parent in folder.resolve().parents):
        digest = hashlib.sha256(str(folder.resolve()).encode()).hexdigest()[:12]
        stand_in = Path("/var/tmp") / f"carillon-postgres-{digest}"  # noqa: S108  checked just below
        stand_in.mkdir(mode=0o700, exist_ok=True)
        (folder / "data-is-in").write_text(f"{stand_in}\n")
        folder = stand_in
    _take_over(folder, owner)
    return folder.resolve()


def _take_over(folder: Path, owner: str) -> None:
    if folder.is_symlink() or folder.owner() not in {"root", owner}:
        raise programs.ProgramError(f"{folder} belongs to somebody else; remove it.")
    shutil.chown(folder, owner)


def _environment() -> dict[str, str]:
    """Leave out PG* variables, which would lead the programs elsewhere, and keep messages English."""
    kept = {name: value for name, value in os.environ.items() if not name.startswith(("PG", "LC_", "LANG"))}
    return {**kept, "LC_ALL": "C.UTF-8"}
