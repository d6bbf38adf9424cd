"""A PgBouncer of one's own in front of a private PostgreSQL: transaction mode, on a loopback port."""

from __future__ import annotations

import shutil
import signal
import socket
import subprocess
import tempfile
from pathlib import Path
from typing import Self
from urllib.parse import urlsplit, urlunsplit

from local import install, ports, postgres, starting
from processes import programs

SETTINGS = """[databases]
* = host={host} port={port} user={user} password={password}
[pgbouncer]
listen_addr = 127.0.0.1
listen_port = {own_port}
unix_socket_dir =
auth_type = plain
auth_file = {users}
pool_mode = transaction
max_client_conn = 500
default_pool_size = 40
server_login_retry = 1
server_idle_timeout = 5
"""


class PrivatePgBouncer:
    """Passes each transaction to any session of the server that is free: nothing of a session outlives one."""

    def __init__(self, database_url: str) -> None:
        self._server = urlsplit(database_url)
        self._user = postgres.server_user()
        self._folder = Path(tempfile.mkdtemp(prefix="carillon-pgbouncer-"))
        self._process: subprocess.Popen[bytes] | None = None
        self.port = ports.remembered(self._folder / "ports.json", ["pgbouncer"])["pgbouncer"]

    @property
    def url(self) -> str:
        """Returns the database's URL by way of PgBouncer."""
        address = f"{self._server.username}:{self._server.password}@127.0.0.1:{self.port}"
        return urlunsplit(self._server._replace(netloc=address))

    def start(self) -> None:
        """Start it, and wait until it accepts connections."""
        program = install.ensure("pgbouncer") / "pgbouncer"
        log = self._folder / "pgbouncer.log"
        with log.open("ab") as output:
            self._process = programs.spawn(
                [str(program), str(self._configure())], output=output, folder=self._folder, user=self._user
            )
        starting.wait_until_ready(self._accepts, self._process, log)

    def close(self) -> None:
        """End it, and remove its folder."""
        if self._process:
            programs.end(self._process, by=signal.SIGINT, grace_seconds=10)
        shutil.rmtree(self._folder, ignore_errors=True)

    def __enter__(self) -> Self:
        self.start()
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def _configure(self) -> Path:
        users, settings = self._folder / "users.txt", self._folder / "pgbouncer.ini"
        users.write_text(f'"{self._server.username}" "{self._server.password}"\n')
        settings.write_text(
            SETTINGS.format(
                host=self._server.hostname,
                port=self._server.port,
                user=self._server.username,
                password=self._server.password,
                own_port=self.port,
                users=users,
            )
        )
        for path in (self._folder, users, settings):
            path.chmod(0o700 if path.is_dir() else 0o600)
            if self._user is not None:
                shutil.chown(path, self._user)
        return settings

    def _accepts(self) -> bool:
        try:
            with socket.create_connection(("127.0.0.1", self.port), timeout=5):
                return True
        except OSError:
            return False
