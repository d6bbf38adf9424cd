"""Debian's nginx with the configuration that we hand out."""

from __future__ import annotations

import signal
import subprocess
from collections.abc import Sequence
from contextlib import suppress
from pathlib import Path
from typing import NamedTuple, Self

import requests

from local import install, starting
from processes import programs
from tests.acceptance.installation import ROOT, free_port

SITE = ROOT / "docs" / "deployment" / "nginx.conf"
_SERVER = "server 127.0.0.1:8000;"
_AROUND = """
daemon off; pid {folder}/nginx.pid; error_log {folder}/error.log; worker_processes 1;
events {{}}
http {{
    log_format asked '$request_method $status $upstream_addr';
    access_log {folder}/access.log asked;
    client_body_temp_path {folder}/body; proxy_temp_path {folder}/proxy; fastcgi_temp_path {folder}/fastcgi;
    uwsgi_temp_path {folder}/uwsgi; scgi_temp_path {folder}/scgi;
    proxy_bind {address};
    include {folder}/site.conf;
}}
"""
_ESTABLISHED = "01"  # as /proc/net/tcp has it


class Passed(NamedTuple):
    """A request that nginx has answered: its method, the status, and the ports that it was passed on to, in order."""

    method: str
    status: int
    ports: tuple[int, ...]


class Nginx:
    """Passes on to the servers on these ports while the block lasts, from an address of this machine."""

    def __init__(self, folder: Path, ports: Sequence[int], *, address: str = "127.0.0.1") -> None:
        self._folder = folder
        self._ports = ports
        self._port = free_port()
        self.url = f"http://127.0.0.1:{self._port}"
        servers = "\n".join(f"server 127.0.0.1:{port};" for port in ports)
        site = SITE.read_text().replace("listen 8080", f"listen 127.0.0.1:{self._port}")
        (folder / "site.conf").write_text(site.replace(_SERVER, servers))
        (folder / "nginx.conf").write_text(_AROUND.format(folder=folder, address=address))
        self._process: subprocess.Popen[bytes] | None = None

    def __enter__(self) -> Self:
        nginx, log = install.ensure("nginx") / "nginx", self._folder / "nginx.log"
        with log.open("ab") as output:
            self._process = programs.spawn(
                [str(nginx), "-p", str(self._folder), "-c", str(self._folder / "nginx.conf")], output=output
            )
        starting.wait_until_ready(self._answers, self._process, log)
        return self

    def __exit__(self, *_: object) -> None:
        if self._process is not None:
            programs.end(self._process, by=signal.SIGTERM, grace_seconds=10)

    def passed(self) -> list[Passed]:
        """Every request that it has answered, as its log has them."""
        return [_passed(line) for line in (self._folder / "access.log").read_text().splitlines()]

    def connections(self) -> set[tuple[int, int]]:
        """Its open connections to the servers, each by its own port and the server's."""
        assert self._process is not None
        own = {inode for pid in programs.descendants(self._process.pid) for inode in _sockets(pid)}
        rows = [line.split() for line in Path("/proc/net/tcp").read_text().splitlines()[1:]]
        ends = [(_port(row[1]), _port(row[2])) for row in rows if row[3] == _ESTABLISHED and row[9] in own]
        return {(here, there) for here, there in ends if there in self._ports}

    def _answers(self) -> bool:
        try:
            return requests.get(f"{self.url}/healthz", timeout=5).ok
        except requests.RequestException:
            return False


def _passed(line: str) -> Passed:
    method, status, servers = line.split(" ", 2)
    return Passed(method, int(status), tuple(int(one.rpartition(":")[2]) for one in servers.split(", ")))


def _sockets(pid: int) -> set[str]:
    """The inodes of a process's sockets."""
    found = set()
    for file in Path(f"/proc/{pid}/fd").iterdir():
        with suppress(FileNotFoundError):  # it was closed while we looked
            found.add(str(file.readlink()))
    return {one.removeprefix("socket:[").removesuffix("]") for one in found if one.startswith("socket:")}


def _port(address: str) -> int:
    return int(address.rpartition(":")[2], 16)
