"""Known vulnerabilities of locked libraries are looked up where OSV answers; a server of the test stands in for it."""

from __future__ import annotations

import json
import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import pytest

from local import advisories

KNOWN = {
    "id": "GHSA-0000-0000-0000",
    "summary": "a fault",
    "details": "a fault",
    "affected": [
        {
            "package": {"name": "jinja2", "ecosystem": "PyPI"},
            "ranges": [{"type": "ECOSYSTEM", "events": [{"introduced": "0"}, {"fixed": "3.1.7"}]}],
        }
    ],
}
HASH = "sha256:" + "0" * 64


class Osv(BaseHTTPRequestHandler):
    """Knows one vulnerability of jinja2."""

    def do_POST(self) -> None:
        asked = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
        answer = json.dumps({"vulns": [KNOWN]} if asked["package"]["name"] == "jinja2" else {}).encode()
        self.send_response(200)
        self.send_header("Content-Length", str(len(answer)))
        self.end_headers()
        self.wfile.write(answer)

    def log_message(self, format: str, *args: object) -> None:  # noqa: A002  the name of the base class
        """Say nothing."""


@pytest.fixture
def osv() -> Iterator[str]:
    with ThreadingHTTPServer(("127.0.0.1", 0), Osv) as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        yield f"http://127.0.0.1:{server.server_port}/v1/query"
        server.shutdown()


def lock_of(folder: Path, *pinned: str) -> str:
    file = folder / "requirements.txt"
    file.write_text("".join(f"{one} --hash={HASH}\n" for one in pinned))
    return str(file)


def test_a_known_vulnerability_fails_and_is_named(osv: str, tmp_path: Path, capfd: pytest.CaptureFixture[str]) -> None:
    lock = lock_of(tmp_path, "falcon==4.4.0", "jinja2==3.1.6")
    assert advisories.main([lock, "--osv-url", osv]) == 1
    printed = capfd.readouterr().out
    assert [word in printed for word in ("jinja2", "3.1.6", "GHSA-0000-0000-0000", "3.1.7")] == [True] * 4
    assert "falcon" not in printed


def test_libraries_of_which_nothing_is_known_pass(osv: str, tmp_path: Path) -> None:
    assert advisories.main([lock_of(tmp_path, "falcon==4.4.0"), "--osv-url", osv]) == 0


def test_a_lock_that_cannot_be_read_is_no_success(osv: str, tmp_path: Path) -> None:
    assert advisories.main([str(tmp_path / "missing.txt"), "--osv-url", osv]) != 0


def test_where_nobody_can_be_asked_this_is_said(capfd: pytest.CaptureFixture[str]) -> None:
    url = "http://127.0.0.1:1/"  # nothing listens at this port
    assert advisories.main(["--osv-url", url]) == 0
    assert capfd.readouterr().err == f"advisories: {url} is out of reach: nothing was looked up.\n"


def test_all_locks_of_this_project_can_be_looked_up(osv: str, capfd: pytest.CaptureFixture[str]) -> None:
    assert advisories.main(["--osv-url", osv]) == 1
    printed = capfd.readouterr()
    assert "jinja2" in printed.out
    assert "Found 1 known vulnerability in 1 package" in printed.err
