"""What a drill found: what was promised, and whether it held."""

from __future__ import annotations

import sys
import time
from dataclasses import dataclass, field


@dataclass
class Verdict:
    """The checks of one drill, each with what was found."""

    name: str
    checks: list[tuple[bool, str]] = field(default_factory=list)
    notes: list[str] = field(default_factory=list)

    def expect(self, *, holds: bool, found: str) -> None:
        """Note a check."""
        self.checks.append((holds, found))

    def note(self, found: str) -> None:
        """Note what was measured and is not judged."""
        self.notes.append(found)

    def told(self) -> int:
        """Print every check, every note and the verdict. Returns the exit status: 0 if all hold."""
        for holds, found in self.checks:
            print(f"{'holds ' if holds else 'BROKEN'}  {found}")
        for found in self.notes:
            print(f"        {found}")
        broken = sum(not holds for holds, _ in self.checks)
        print(f"{self.name}: {'all holds' if not broken else f'{broken} of {len(self.checks)} broken'}", flush=True)
        return 1 if broken or not self.checks else 0


def say(words: str) -> None:
    """Tell how far the drill is."""
    print(f"  {time.strftime('%H:%M:%S')} {words}", file=sys.stderr, flush=True)


def missing(acknowledged: list[str], delivered: set[str]) -> str:
    """Returns in words how many acknowledged jobs were not delivered."""
    lost = [job_id for job_id in acknowledged if job_id not in delivered]
    return f"{len(acknowledged)} jobs were acknowledged, {len(lost)} of them were never delivered"
