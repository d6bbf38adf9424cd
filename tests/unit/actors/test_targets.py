"""URLs that can be called, and what the error says of those that cannot."""

from __future__ import annotations

import pytest

from actors.calls import exchange
from core.errors import PermanentFailure


@pytest.mark.parametrize("host", ["*.example", ".example", "[v1.x]", "[::1]a", "[::1"])
def test_a_url_that_cannot_be_called_is_not_repeated(host: str) -> None:
    with pytest.raises(PermanentFailure) as refused:
        exchange.target_of(f"https://{host}/hooks?token=hunter2")
    assert "hunter2" not in str(refused.value)
    assert host not in str(refused.value)
    assert refused.value.__cause__ is None
    assert refused.value.__suppress_context__ or refused.value.__context__ is None
