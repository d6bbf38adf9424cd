"""What the audit log keeps of values: no secrets, and not too much."""

from __future__ import annotations

from typing import Any

import pytest

from core.auditing import differences, recorded
from core.masking import MASK


@pytest.mark.parametrize(
    "name", ["Authorization", "X-API-Key", "api_key", "password", "Set-Cookie", "secret", "access_token", "Signature"]
)
@pytest.mark.parametrize("value", ["canary", ["canary"], {"a": "canary"}, 1])
def test_what_is_named_like_a_secret_is_masked_however_deep_it_lies(name: str, value: Any) -> None:
    kept = recorded({"data": {"headers": [{name: value, "other": 1}]}})
    assert kept == {"data": {"headers": [{name: MASK, "other": 1}]}}


@pytest.mark.parametrize("name", ["Ocp-Apim-Subscription-Key", "X-Access-Key", "X-Auth", "X-Session-Id"])
def test_headers_that_are_masked_where_they_are_shown_are_masked_here(name: str) -> None:
    assert recorded({"data": {"headers": {name: "canary", "Accept": "*/*"}}}) == {
        "data": {"headers": {name: MASK, "Accept": "*/*"}}
    }


def test_who_logs_in_by_a_url_is_masked() -> None:
    kept = recorded({"callback_url": "https://anna:canary@example.com/a@b", "task_type": "a@b"})
    assert kept == {"callback_url": f"https://{MASK}@example.com/a@b", "task_type": "a@b"}


def test_what_is_long_is_told_by_its_length() -> None:
    assert recorded({"data": "x" * 3_000, "name": "a"}) == {"data": "(3002 characters)", "name": "a"}


def test_only_what_differs_is_kept() -> None:
    assert differences({"a": 1, "b": 2}, {"a": 1, "b": 3}) == ({"b": 2}, {"b": 3})
