"""Keys of limits: how they are written, and which texts are none."""

from __future__ import annotations

from typing import Any

import pytest

from core.limit_keys import KEY_LENGTH, NAME_LENGTH, LimitKind, filled, of_account, of_host, read

JOB = "018f0000-0000-7000-8000-00000000000b"


@pytest.mark.parametrize(
    ("text", "kind", "app_name", "name"),
    [
        ("installation", LimitKind.INSTALLATION, "", ""),
        ("app:shop", LimitKind.APP, "shop", ""),
        ("account:shop/acc1", LimitKind.ACCOUNT, "shop", "acc1"),
        ("account:shop/a/b c", LimitKind.ACCOUNT, "shop", "a/b c"),
        ("host:api.example.com", LimitKind.HOST, "", "api.example.com"),
        ("host:[2001:db8::1]", LimitKind.HOST, "", "[2001:db8::1]"),
        (f"job:{JOB}", LimitKind.JOB, "", JOB),
        ("key:shop/warehouse", LimitKind.KEY, "shop", "warehouse"),
    ],
)
def test_a_key_is_read_and_written_as_the_same_text(text: str, kind: LimitKind, app_name: str, name: str) -> None:
    found = read(text)
    assert (found.kind, found.app_name, found.name) == (kind, app_name, name)
    assert found.text == text


@pytest.mark.parametrize(
    "text",
    [
        "",
        "shop",
        "installation:shop",
        "team:shop",
        "app:",
        "account:shop",
        "account:/acc1",
        "account:shop/",
        "key:shop",
        "job:17",
        f"job:{JOB.replace('-', '')}",
        "host:",
        "host:https://api.example.com",
        "host:api.example.com:8080",
        "host:*.example.com",
        "host:{{data.host}}",
        "app:a\x00",
        "app:a\n",
        "app: a ",
        "app:" + "a" * KEY_LENGTH,
    ],
)
def test_what_is_no_key_is_refused_with_an_example(text: str) -> None:
    with pytest.raises(ValueError, match="for example"):
        read(text)


def test_equal_accounts_of_two_apps_have_different_keys() -> None:
    assert of_account("shop", "acc1") != of_account("bank", "acc1")


@pytest.mark.parametrize(
    ("url", "key"),
    [
        ("https://API.example.com:8443/x", "host:api.example.com"),
        ("http://api.example.com./x", "host:api.example.com"),
        ("http://[2001:DB8::1]/", "host:[2001:db8::1]"),
        ("nothing", None),
        ("http://[broken", None),
    ],
)
def test_the_key_of_a_host_is_the_same_however_its_address_is_written(url: str, key: str | None) -> None:
    assert of_host(url) == key
    if key is not None:
        assert read(key).text == key


@pytest.mark.parametrize(
    ("template", "data", "name"),
    [
        ("shared", None, "shared"),
        ("{{data.customer}}", {"customer": "c1"}, "c1"),
        ("{{ data.customer.id }}", {"customer": {"id": 7}}, "7"),
        ("a-{{data.x}}-{{data.y}}", {"x": "1", "y": "2"}, "a-1-2"),
        ("{{data.customer}}", {}, None),
        ("{{data.customer}}", None, None),
        ("{{data.customer.id}}", {"customer": "c1"}, None),
        ("{{data.customer}}", {"customer": ""}, None),
        ("{{data.customer}}", {"customer": True}, None),
        ("{{data.customer}}", {"customer": ["c1"]}, None),
        ("{{data.customer}}", {"customer": "c" * (NAME_LENGTH + 1)}, None),
    ],
)
def test_a_key_is_filled_from_the_data_of_a_job_where_that_has_something_for_it(
    template: str, data: Any, name: str | None
) -> None:
    assert filled(template, data) == name
