"""A receiver that answers 200, or as it is told to, and knows whose callbacks came."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Callable

from bench.chaos import receiver
from bench.chaos.answers import Answer
from bench.chaos.journal import Call, Journal
from bench.drills.answers import well

_OK = 200


class Receiver(receiver.Receiver):
    """Listens on a loopback port for the block, and notes every callback in a journal."""

    def __init__(self, answer: Callable[[int, Call], Answer] = well) -> None:
        self.journal = Journal()
        super().__init__(answer, self.journal)

    def calls(self) -> list[Call]:
        """Returns all callbacks that came, in the order of their beginning."""
        return sorted(self.journal.calls, key=lambda call: call.started)

    def calls_by_job(self) -> dict[str, list[Call]]:
        """Returns the callbacks of each job, in the order of their beginning."""
        found: dict[str, list[Call]] = defaultdict(list)
        for call in self.calls():
            found[call.job_id].append(call)
        return found

    def jobs(self) -> set[str]:
        """Returns the jobs of which a callback was answered with a success."""
        return {call.job_id for call in self.calls() if call.status == _OK}

    def repeated(self) -> set[str]:
        """Returns the runs that were called for again though no error was answered."""
        count = Counter(call.run_id for call in self.calls() if call.status in (_OK, None))
        return {run_id for run_id, calls in count.items() if calls > 1}

    def total(self) -> int:
        """Returns how many callbacks came."""
        return len(self.journal.calls)
