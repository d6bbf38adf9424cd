"""What a chaos run shows: what was done, what was broken, and each breach with how to meet it again."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Mapping, Sequence

from bench.chaos.evidence import Evidence
from bench.chaos.invariants import INVARIANTS
from bench.chaos.invariants.breaches import Breach
from bench.chaos.invariants.of_others import waits
from bench.chaos.invariants.of_runs import overlaps
from bench.chaos.scenario import Scenario
from bench.figures import percentile

_SHOWN = 10
_IDS_SHOWN = 3


def lines(scenario: Scenario, evidence: Evidence, breached: Mapping[int, Sequence[Breach]]) -> Iterator[str]:
    """Returns the whole report, line by line."""
    yield from _figures(scenario, evidence)
    for number, breaches in breached.items():
        yield f"BROKEN {number}: {_named(number)} ({len(breaches)} times)"
        for breach in breaches[:_SHOWN]:
            yield f"  {', '.join(breach.ids[:_IDS_SHOWN])}: {breach.words}"
    if breached:
        yield f"Again: {command(scenario)}"
    else:
        yield f"All {len(INVARIANTS)} invariants hold."


def command(scenario: Scenario) -> str:
    """Returns what runs this scenario again."""
    pgbouncer = " --pgbouncer" if scenario.through_pgbouncer else ""
    return f".venv/bin/python -m bench chaos --minutes {scenario.seconds / 60:g} --seed {scenario.seed}{pgbouncer}"


def _figures(scenario: Scenario, evidence: Evidence) -> Iterator[str]:
    journal = evidence.journal
    limits = "with limits" if scenario.has_limits else "without limits"
    yield f"chaos, seed {scenario.seed}, {scenario.seconds:g} s, {limits}"
    yield f"  jobs {len(evidence.jobs)}, calls {len(journal.calls)}; {_counted(run.status for run in evidence.runs)}"
    yield f"  attempts: {_counted(str(one.outcome) for one in evidence.attempts)}"
    yield f"  broken: {_counted(fault.kind for fault in journal.faults)}"
    yield f"  overlaps explained by a frozen worker: {sum(1 for _ in overlaps(evidence))}"
    told = sum(map(len, journal.told.values()))
    resets = sum(one.kind == "reset" for of_one in journal.told.values() for one in of_one)
    yield f"  live: {told} events, {resets} resets"
    waited = waits(evidence)
    p95 = f", p95 {percentile(waited, 0.95):.2f} s" if waited else ""
    yield f"  small tenants outside outages: {len(waited)} runs{p95}"
    workers = [sample.megabytes for sample in journal.samples if sample.of.startswith("worker")]
    yield f"  workers took at most {max(workers, default=0):.0f} MB; connections: {_most_connections(evidence)}"


def _most_connections(evidence: Evidence) -> str:
    most: dict[str, int] = {}
    for sample in evidence.journal.samples:
        if sample.connections:
            name = sample.of.removeprefix("carillon ")
            most[name] = max(most.get(name, 0), sample.connections)
    return ", ".join(f"{name} {count}" for name, count in sorted(most.items()))


def _counted(words: Iterator[str]) -> str:
    return ", ".join(f"{word} {count}" for word, count in sorted(Counter(words).items()))


def _named(number: int) -> str:
    return INVARIANTS[number].__name__.replace("_", " ")
