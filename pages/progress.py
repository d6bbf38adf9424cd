"""How far the work of a run is, as it was told: a share to draw, and words."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, TypeGuard

from core.receiver_answers import MAX_NUMBER
from pages import formats
from services.reading.views import RunView


@dataclass(frozen=True)
class Progress:
    """How far the work is: a share of all, and in words."""

    share: float
    text: str


def of(run: RunView) -> Progress | None:
    """Returns how far a run told that the work is, if it did so in a way that can be drawn."""
    match run.progress:
        case {"done": done, "total": total} if _is_number(done) and _is_number(total) and total > 0:
            return Progress(min(1.0, max(0.0, done / total)), f"{formats.number(done)} of {formats.number(total)}")
        case share if _is_number(share) and 0 <= share <= 1:
            return Progress(share, f"{share:.0%}")
    return None


def _is_number(value: Any) -> TypeGuard[float]:
    """Whether a value can be reckoned with: JSON's numbers may be longer than any float, and `true` is none."""
    return isinstance(value, int | float) and not isinstance(value, bool) and abs(value) <= MAX_NUMBER
