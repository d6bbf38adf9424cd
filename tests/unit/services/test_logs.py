"""Log lines are one JSON object each, whatever their values are."""

from __future__ import annotations

import json
from uuid import UUID

import pytest
from structlog.processors import JSONRenderer

from services.runtime import logs
from services.secrets.signers import Signer


@pytest.mark.parametrize(
    ("value", "written"),
    [
        ("text", "text"),
        (2**70, 2**70),
        ("lone \ud800", "lone \ud800"),
        ({1: "a"}, {"1": "a"}),
        (UUID(int=7), str(UUID(int=7))),
        (ValueError("odd"), "ValueError('odd')"),
        (Signer((b"secret",)), "Signer(fault=None)"),
    ],
)
def test_a_line_is_json_whatever_its_values_are(value: object, written: object) -> None:
    line = JSONRenderer(serializer=logs._written)(None, "info", {"event": "told", "value": value})
    assert json.loads(line) == {"event": "told", "value": written}
