"""Nothing may leak from a call; a certificate for those over TLS."""

from __future__ import annotations

import gc
import threading
from collections.abc import Iterator
from pathlib import Path

import pytest

from actors.calls import http, kept_connections, trust
from tests.unit.actors import hostile
from tests.waiting import LONGEST, until


@pytest.fixture(scope="session")
def before_all() -> None:
    """What was there before the first call need not be looked through for what each one leaves."""
    gc.collect()
    gc.freeze()


@pytest.fixture(autouse=True)
def nothing_leaks(before_all: None) -> Iterator[None]:
    """A look-up that nobody waits for any more may take a moment to end by itself, also one of the test before."""
    http.kept.close_all()
    gc.collect()
    files, threads = _open_files(), threading.active_count()
    yield
    http.kept.close_all()
    gc.collect()
    until(lambda: _open_files() <= files, "no more files to be open than before")
    until(lambda: threading.active_count() <= threads, "no more threads to run than before")


@pytest.fixture
def keeps_long(monkeypatch: pytest.MonkeyPatch) -> None:
    """No connection is idle for too long, however slow this machine is between two calls."""
    monkeypatch.setattr(kept_connections, "IDLE_SECONDS", LONGEST)


@pytest.fixture(scope="session")
def certificate(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return hostile.make_certificate(tmp_path_factory.mktemp("tls"))


@pytest.fixture
def trusted(certificate: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    monkeypatch.setenv("SSL_CERT_FILE", str(certificate))
    trust.context.cache_clear()
    yield certificate
    trust.context.cache_clear()


def _open_files() -> int:
    return len(list(Path("/proc/self/fd").iterdir()))
