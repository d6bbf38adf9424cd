"""How late runs begin after their due instant, by their rows, and by the arrival of their callbacks."""

from __future__ import annotations

from bench import alternating
from bench.alternating import Contestant
from bench.figures import Result
from bench.measurements.timed import Burst, Crons, Posts, Spread, Timed, Urgent
from bench.session import Session

_CLAIMED = ("p99", "p50", "p95", "max")
_ARRIVED = ("arrived_p50", "arrived_p99", "arrived_max")
_LAST_BEGUN = ("max", "p50", "p99", "arrived_max")


def measure(session: Session) -> list[Result]:
    """Measure each pattern by itself; in milliseconds, so that less is better."""
    quick = session.is_quick
    results = [
        _pattern(session, "lateness_spread", _CLAIMED + _ARRIVED, Spread(jobs=600 if quick else 2_000)),
        _pattern(session, "lateness_burst", _LAST_BEGUN, Burst(jobs=200 if quick else 500)),
        _pattern(session, "lateness_urgent", (*_CLAIMED, "left"), Urgent(backlog=4_000 if quick else 30_000)),
        _pattern(session, "post_to_callback", ("p50", "p95", "p99", "max"), Posts(jobs=50 if quick else 200)),
    ]
    if not quick:
        results.append(_pattern(session, "lateness_crons", _LAST_BEGUN[:3], Crons(jobs=5_000)))
    return results


def _pattern(session: Session, name: str, figures: tuple[str, ...], pattern: Timed) -> Result:
    contestants: list[Contestant] = [
        pattern.by(checkout, session.servers, session.folder) for checkout in reversed(session.checkouts)
    ]
    rows = alternating.measure(contestants, session.options.rounds, session.options.seconds)
    return Result(name, f"{pattern.title}, in ms", figures, rows)
