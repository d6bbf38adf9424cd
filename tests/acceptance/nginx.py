"""Debian's nginx with the configuration that we hand out."""

from __future__ import annotations

import signal
import subprocess
from pathlib import Path
from typing import Self

import requests

from local import install
from processes import programs
from tests.acceptance.installation import ROOT, free_port

SITE = ROOT / "docs" / "deployment" / "nginx.conf"
_AROUND = """
daemon off; pid {folder}/nginx.pid; error_log {folder}/error.log; worker_processes 1;
events {{}}
http {{
    access_log off;
    client_body_temp_path {folder}/body; proxy_temp_path {folder}/proxy; fastcgi_temp_path {folder}/fastcgi;
    uwsgi_temp_path {folder}/uwsgi; scgi_temp_path {folder}/scgi;
    include {folder}/site.conf;
}}
"""


class Nginx:
    """Passes on to one server while the block lasts."""

    def __init__(self, folder: Path, port: int) -> None:
        self._folder = folder
        self._port = free_port()
        self.url = f"http://127.0.0.1:{self._port}"
        site = SITE.read_text().replace("listen 8080", f"listen 127.0.0.1:{self._port}")
        (folder / "site.conf").write_text(site.replace("127.0.0.1:8000", f"127.0.0.1:{port}"))
        (folder / "nginx.conf").write_text(_AROUND.format(folder=folder))
        self._process: subprocess.Popen[bytes] | None = None

    def __enter__(self) -> Self:
        nginx, log = install.ensure("nginx") / "nginx", self._folder / "nginx.log"
        with log.open("ab") as output:
            self._process = programs.spawn(
                [str(nginx), "-p", str(self._folder), "-c", str(self._folder / "nginx.conf")], output=output
            )
        programs.wait_until(self._answers, self._process, log)
        return self

    def __exit__(self, *_: object) -> None:
        if self._process is not None:
            programs.end(self._process, by=signal.SIGTERM, grace_seconds=10)

    def _answers(self) -> bool:
        try:
            return requests.get(f"{self.url}/healthz", timeout=5).ok
        except requests.RequestException:
            return False
