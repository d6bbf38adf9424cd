"""The calls of simulated attempts, recorded as real workers record theirs: what was sent and answered, in how long."""

from __future__ import annotations

from dataclasses import replace
from ipaddress import ip_address
from urllib.parse import urlsplit

from actors.calls import http
from actors.handlers import callback
from services.execution.transcripts import Phase, Transcript
from services.execution.work import Failed, Result, Succeeded, Work
from services.system import System

_LOCAL = "127.0.0.1"
_ELSEWHERE = "203.0.113.80"  # an address for examples
_TO_CONNECT, _TO_SEND, _TO_RECEIVE = 0.000_4, 0.000_2, 0.000_3


def with_call(system: System, work: Work, seconds: float, result: Result) -> Work:
    """Returns an attempt with the transcript of a call that takes so long and ends with this result."""
    if work.target.url is None:
        return work
    code = _status_code(result)
    transcript = _Simulated(_phases(seconds, result))
    request = callback.request_of(system, work, work.target.url)
    transcript.sends(request.method, request.url, http.sent_headers(request.headers), request.body)
    transcript.reached(None if _is_refused(result) else _address(request.url), is_kept=False)
    if code is not None:
        size = len((_answer(result) or "").encode())
        transcript.answered(code, {"content-type": "application/json", "content-length": str(size)}, size)
    return replace(work, transcript=transcript)


class _Simulated(Transcript):
    """A transcript whose phases are given."""

    def __init__(self, phases: list[tuple[Phase, float, float]]) -> None:
        super().__init__()
        self._simulated = phases

    def phases(self) -> list[tuple[Phase, float, float]]:
        """Returns each phase with its beginning and its end."""
        return self._simulated


def _phases(seconds: float, result: Result) -> list[tuple[Phase, float, float]]:
    if _is_refused(result):
        return [(Phase.LOOK_UP, 0, _TO_CONNECT), (Phase.CONNECT, _TO_CONNECT, seconds)]
    waits = 2 * _TO_CONNECT + _TO_SEND
    begun = [
        (Phase.LOOK_UP, 0, _TO_CONNECT),
        (Phase.CONNECT, _TO_CONNECT, 2 * _TO_CONNECT),
        (Phase.SEND, 2 * _TO_CONNECT, waits),
    ]
    if _status_code(result) is None:
        return [*begun, (Phase.WAIT, waits, seconds)]
    return [*begun, (Phase.WAIT, waits, seconds - _TO_RECEIVE), (Phase.RECEIVE, seconds - _TO_RECEIVE, seconds)]


def _is_refused(result: Result) -> bool:
    """Whether no connection came about."""
    return isinstance(result, Failed) and result.error.status_code is None


def _status_code(result: Result) -> int | None:
    if isinstance(result, Succeeded):
        return result.status_code
    return result.error.status_code if isinstance(result, Failed) else None


def _answer(result: Result) -> str | None:
    return result.answer if isinstance(result, Succeeded | Failed) else None


def _address(url: str) -> str:
    """The address of a receiver of this machine, else one for examples."""
    host = urlsplit(url).hostname or ""
    try:
        return str(ip_address(host))
    except ValueError:
        return _LOCAL if host == "localhost" else _ELSEWHERE
