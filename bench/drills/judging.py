"""What must have come of a mixed load, kind by kind."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Mapping, Sequence

from bench.drills.kinds import Kind, Seen, recipient
from bench.drills.load import Created
from bench.drills.receiver import Receiver
from bench.drills.verdict import Verdict
from bench.servers import Place

_STATES = "SELECT id::TEXT, state FROM jobs"


def judge_kinds(verdict: Verdict, place: Place, receiver: Receiver, created: Sequence[Created]) -> None:
    """Judge of each kind whether every acknowledged job came to its end, and was seen as is promised."""
    states, calls, letters = dict(place.query(_STATES)), receiver.calls_by_job(), Counter(receiver.journal.letters)
    of_kind: dict[Kind, list[Created]] = defaultdict(list)
    for one in created:
        of_kind[one.kind].append(one)
    for kind, jobs in of_kind.items():
        seen = {one.id: Seen(calls.get(one.id, []), letters[recipient(one.number)]) for one in jobs}
        holds, found = judged(kind, jobs, states, seen)
        verdict.expect(holds=holds, found=found)


def judged(
    kind: Kind, jobs: Sequence[Created], states: Mapping[str, str], seen: Mapping[str, Seen]
) -> tuple[bool, str]:
    """Returns whether all holds of the jobs of a kind, and in words what was found.

    Of a kind that is edited, only those that were edited in time are judged by what was seen.
    """
    shown = [one for one in jobs if one.is_edited or not kind.is_edited]
    faults = [f"{one.id} is {states.get(one.id)}" for one in jobs if states.get(one.id) != "completed"]
    faults += [f"{one.id} {fault}" for one in shown if (fault := kind.fault(seen[one.id])) is not None]
    if faults:
        return False, f"{len(faults)} faults of {len(jobs)} jobs of the kind {kind.name}, the first: {faults[0]}"
    return bool(shown), f"{len(shown)} jobs of the kind {kind.name} completed, and {kind.promise}"
