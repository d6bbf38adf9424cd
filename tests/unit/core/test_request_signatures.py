"""Signatures as Standard Webhooks has them: what we sign, its reference library verifies."""

from __future__ import annotations

import base64
import re
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from standardwebhooks.webhooks import Webhook, WebhookVerificationError

from core import request_signatures

SECRETS = Path(__file__).parents[3] / "docs" / "secrets.md"
KEY, OTHER = b"k" * 32, b"o" * 24
BODY = '{"text":"Grüße"}'.encode()


def verified(key: bytes, headers: dict[str, str], body: bytes = BODY) -> None:
    Webhook(request_signatures.secret_of(key)).verify(body, headers)


def test_the_reference_library_verifies_what_is_signed() -> None:
    headers = request_signatures.headers([KEY], "run-1", datetime.now(UTC), BODY)
    assert headers["webhook-id"] == "run-1"
    verified(KEY, headers)


def test_the_signature_is_the_one_that_the_reference_library_makes() -> None:
    at = datetime(2026, 11, 20, 12, 0, 0, 999_999, tzinfo=UTC)
    headers = request_signatures.headers([KEY], "run-1", at, BODY)
    assert headers["webhook-timestamp"] == "1795176000"
    assert headers["webhook-signature"] == Webhook(KEY).sign("run-1", at, BODY.decode())


def test_either_of_two_secrets_verifies_and_no_third() -> None:
    headers = request_signatures.headers([KEY, OTHER], "run-1", datetime.now(UTC), BODY)
    verified(KEY, headers)
    verified(OTHER, headers)
    with pytest.raises(WebhookVerificationError, match="No matching signature"):
        verified(b"x" * 32, headers)


@pytest.mark.parametrize(
    ("change", "body"),
    [
        ({}, BODY + b" "),
        ({"webhook-id": "run-2"}, BODY),
    ],
)
def test_what_was_tampered_with_is_not_verified(change: dict[str, str], body: bytes) -> None:
    headers = {**request_signatures.headers([KEY], "run-1", datetime.now(UTC), BODY), **change}
    with pytest.raises(WebhookVerificationError, match="No matching signature"):
        verified(KEY, headers, body)


def test_another_timestamp_is_not_verified() -> None:
    now = datetime.now(UTC)
    earlier = {"webhook-timestamp": str(int((now - timedelta(seconds=9)).timestamp()))}
    headers = {**request_signatures.headers([KEY], "run-1", now, BODY), **earlier}
    with pytest.raises(WebhookVerificationError, match="No matching signature"):
        verified(KEY, headers)


def test_a_secret_is_read_as_it_is_written() -> None:
    assert request_signatures.key_of(request_signatures.secret_of(KEY)) == KEY


@pytest.mark.parametrize(
    "secret",
    [
        "whsec_",
        base64.b64encode(KEY).decode(),
        "whsec_not base64!",
        "whsec_" + base64.b64encode(b"k" * 23).decode(),
        "whsec_" + base64.b64encode(b"k" * 65).decode(),
        "whsec_\u00fc",
    ],
)
def test_what_is_no_secret_is_refused(secret: str) -> None:
    with pytest.raises(ValueError, match="is no signing secret; write whsec_"):
        request_signatures.key_of(secret)


def test_a_refused_secret_is_not_repeated() -> None:
    with pytest.raises(ValueError, match="is no signing secret") as refused:
        request_signatures.key_of("whsec_canary")
    assert "canary" not in str(refused.value)


def test_the_readme_shows_how_to_verify() -> None:
    [shown] = re.findall(r"```python\n(import base64.*?)```", SECRETS.read_text(), re.DOTALL)
    names: dict[str, Any] = {}
    exec(shown, names)  # noqa: S102  it is ours
    headers = request_signatures.headers([OTHER, KEY], "run-1", datetime.now(UTC), BODY)
    assert names["is_ours"](request_signatures.secret_of(KEY), headers, BODY)
    assert not names["is_ours"](request_signatures.secret_of(KEY), headers, BODY + b" ")
    old = request_signatures.headers([KEY], "run-1", datetime.now(UTC) - timedelta(minutes=6), BODY)
    assert not names["is_ours"](request_signatures.secret_of(KEY), old, BODY)
