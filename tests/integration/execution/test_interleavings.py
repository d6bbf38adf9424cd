"""Random walks: whatever is done in whatever order, the rows become what core decides, on both databases."""

from __future__ import annotations

import pytest

from tests.integration.execution.walks.walk import Walk
from tests.lengths import STEPS

STEPS_OF_A_WALK = 100


@pytest.mark.parametrize("seed", range(STEPS // STEPS_OF_A_WALK))
def test_whatever_is_done_in_whatever_order_the_rows_are_what_core_decides(store: str, seed: int) -> None:
    walk = Walk(seed)
    try:
        for _ in range(STEPS_OF_A_WALK):
            walk.step()
    except Exception as error:
        error.add_note(f"walk {seed}: {', '.join(walk.journal)}")
        raise
