"""Random walks: whatever is done in whatever order, the rows become what core decides, on both databases.

A walk that fails is named by its seed, and goes the same way again.
"""

from __future__ import annotations

import random
from itertools import count
from uuid import UUID

import pytest
import uuid_utils.compat

from tests.integration.execution.walks.walk import Walk
from tests.lengths import STEPS

STEPS_OF_A_WALK = 100


@pytest.fixture
def _same_ids(monkeypatch: pytest.MonkeyPatch) -> None:
    """Ids in order, with the same last bits each time, by which waits for another try are spread."""
    draw, numbers = random.Random(9), count(1)
    monkeypatch.setattr(
        uuid_utils.compat, "uuid7", lambda: UUID(int=next(numbers) << 80 | 7 << 76 | 8 << 60 | draw.getrandbits(60))
    )


@pytest.mark.usefixtures("_same_ids")
@pytest.mark.parametrize("seed", range(STEPS // STEPS_OF_A_WALK))
def test_whatever_is_done_in_whatever_order_the_rows_are_what_core_decides(store: str, seed: int) -> None:
    walk = Walk(seed)
    try:
        for _ in range(STEPS_OF_A_WALK):
            walk.step()
    except Exception as error:
        error.add_note(f"walk {seed}: {', '.join(walk.journal)}")
        raise
