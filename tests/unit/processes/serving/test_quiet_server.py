"""Servers of the standard library say nothing of callers who hang up, and tell other errors."""

from __future__ import annotations

from http.server import BaseHTTPRequestHandler

import pytest

from processes.serving.quiet_server import QuietServer


@pytest.mark.parametrize("error", [ConnectionResetError(), BrokenPipeError(), ValueError("odd")], ids=repr)
def test_a_caller_who_hangs_up_is_no_news(error: Exception, capsys: pytest.CaptureFixture[str]) -> None:
    with QuietServer(("127.0.0.1", 0), BaseHTTPRequestHandler) as server:
        try:
            raise error  # noqa: TRY301  the server looks at the error that is being handled
        except Exception:  # noqa: BLE001  as the standard library does
            server.handle_error(None, ("127.0.0.1", 1))
    assert ("Traceback" in capsys.readouterr().err) == isinstance(error, ValueError)
