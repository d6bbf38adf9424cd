"""Real HTTP callbacks to a receiver on this machine: one that answers at once, and one that takes 200 ms."""

from __future__ import annotations

from bench import alternating, receiver
from bench.alternating import Contestant
from bench.carillon import CALLBACK, job
from bench.carillon_drain import CarillonDrain
from bench.figures import Result
from bench.measurements.drain import FIGURES
from bench.peers.queues import CELERY_CALLS, PeerDrain
from bench.session import Session

_SLOW_SECONDS = 0.2
_THREADS_FOR_SLOW = 32  # in each of two processes


def measure(session: Session) -> list[Result]:
    """Drain jobs that call the fast receiver, then jobs that call the slow one."""
    return [
        _drain(session, "callbacks", "Callbacks drained per second", 0, 8),
        _drain(session, "slow_callbacks", "Callbacks of 200 ms drained per second", _SLOW_SECONDS, _THREADS_FOR_SLOW),
    ]


def _drain(session: Session, name: str, title: str, delay_seconds: float, threads: int) -> Result:
    options = session.options
    with receiver.running(session.folder, delay_seconds) as running:
        contestants = _contestants(session, running.url, threads)
        pilot_seconds = 0 if delay_seconds and session.is_quick else options.pilot_seconds
        rows = alternating.measure(contestants, options.rounds, options.seconds, pilot_seconds)
    return Result(name, title, FIGURES, rows)


def _contestants(session: Session, url: str, threads: int) -> list[Contestant]:
    servers, folder = session.servers, session.folder
    ours = [
        CarillonDrain(checkout, servers, folder, threads=threads, body=job(CALLBACK), callback_base_url=url)
        for checkout in reversed(session.checkouts)
    ]
    if not session.options.with_peers:
        return [*ours]
    return [PeerDrain(CELERY_CALLS, servers, folder, threads=threads, receiver_url=url), *ours]
