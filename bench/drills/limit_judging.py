"""The verdict on calls under limits: what receivers saw, with the instants of the claims, which the database has."""

from __future__ import annotations

from collections.abc import Sequence

from bench.drills.limit_journal import Call, Put, excesses
from bench.drills.verdict import Verdict
from bench.servers import Place

_CLAIMED = "SELECT run_id::TEXT, number, EXTRACT(EPOCH FROM started_at)::DOUBLE PRECISION FROM attempts"


def judge_limits(verdict: Verdict, place: Place, calls: Sequence[Call], puts: Sequence[Put]) -> None:
    """Judge whether none of these calls was one more than was allowed."""
    claimed = {(run_id, number): at for run_id, number, at in place.query(_CLAIMED)}
    found = list(excesses(calls, puts, claimed))
    told = "; ".join(map(str, found[:5])) or "none came too many"
    verdict.expect(holds=bool(calls) and not found, found=f"limits put: {len(puts)}; of {len(calls)} calls {told}")
