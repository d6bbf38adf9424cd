"""A brief form of the chaos run (docs/benchmarks.md): load and faults drawn from a seed, then every invariant.

Unlike other tests this one lasts as long as it says: what breaks things goes by the clock, and waits only at the end.
"""

from __future__ import annotations

import pytest

from bench.chaos import invariants, report, running
from bench.chaos.faults import WORKER_FROZEN
from bench.chaos.invariants.of_others import small_tenants_do_not_wait
from bench.chaos.scenario import Scenario

pytestmark = [pytest.mark.servers, pytest.mark.xdist_group("outages")]
SECONDS = 60.0
# How long runs wait is judged by long runs on an idle machine; beside other tests it tells of these.
OF_SPEED = [number for number, one in invariants.INVARIANTS.items() if one is small_tenants_do_not_wait]
MIN_KINDS_OF_FAULTS = 9  # of eleven: a slow machine may have no time for the last two


def test_nothing_is_lost_and_nothing_done_twice_while_everything_breaks() -> None:
    scenario = Scenario(seed=1, seconds=SECONDS)
    evidence = running.run(scenario)
    breached = {number: found for number, found in invariants.check(evidence).items() if number not in OF_SPEED}
    assert not breached, "\n".join(report.lines(scenario, evidence, breached))
    kinds = {fault.kind for fault in evidence.journal.faults}
    assert WORKER_FROZEN in kinds
    assert len(kinds) >= MIN_KINDS_OF_FAULTS
    assert sum(run.status == "completed" for run in evidence.runs) > len(evidence.jobs) / 2
