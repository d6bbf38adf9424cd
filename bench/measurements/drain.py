"""No-op jobs: how many per second are claimed, performed and recorded, from a queue that was filled before."""

from __future__ import annotations

from bench import alternating
from bench.alternating import Contestant
from bench.carillon_drain import CarillonDrain
from bench.figures import Result
from bench.peers.queues import CELERY, DRAMATIQ, PROCRASTINATE, PeerDrain
from bench.session import Session

FIGURES = ("per_s", "worker_ms", "coordinator_ms", "postgresql_ms", "rabbitmq_ms")


def measure(session: Session) -> list[Result]:
    """Drain with each contestant in turn."""
    options = session.options
    rows = alternating.measure(_contestants(session), options.rounds, options.seconds, options.pilot_seconds)
    return [Result("drain", "No-op jobs drained per second", FIGURES, rows)]


def _contestants(session: Session) -> list[Contestant]:
    return [*_peers(session), *_ours(session)]


def _peers(session: Session) -> list[Contestant]:
    if not session.options.with_peers:
        return []
    peers = (DRAMATIQ, PROCRASTINATE, CELERY)
    return [PeerDrain(peer, session.servers, session.folder) for peer in peers]


def _ours(session: Session) -> list[Contestant]:
    return [
        CarillonDrain(checkout, session.servers, session.folder, threads=number)
        for number in session.options.threads
        for checkout in reversed(session.checkouts)
    ]
