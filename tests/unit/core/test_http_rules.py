"""Which URLs may be called, and which headers a caller may have sent along."""

from __future__ import annotations

import pytest

from core import headers, urls


@pytest.mark.parametrize(
    "name",
    [
        "Host",
        "content-length",
        "Transfer-Encoding",
        "CONNECTION",
        "Proxy-Authorization",
        "webhook-signature",
        "Idempotency-Key",
        "X-Carillon-Report-Token",
        "TE",
        "Upgrade",
        "Proxy",
        "Webhook_Signature",
        "IDEMPOTENCY_KEY",
        "X_Carillon_Run_Id",
        "Transfer_Encoding",
        "proxy_authorization",
    ],
)
def test_headers_that_are_ours_are_nobody_elses(name: str) -> None:
    assert "set by Carillon" in str(headers.fault_of_name(name))


@pytest.mark.parametrize("name", ["", "a b", "a\r\nb", "a:", "ä"])
def test_what_is_no_header_name_is_refused(name: str) -> None:
    assert "no header's name" in str(headers.fault_of_name(name))


@pytest.mark.parametrize(
    "name", ["Authorization", "X-Api-Key", "Content-Type", "Cookie", "hostess", "x_trace", "proxying"]
)
def test_other_headers_may_be_given(name: str) -> None:
    assert headers.fault_of_name(name) is None


@pytest.mark.parametrize("around", ["{}\r\nX: y", "{}\n", "{}\rb", "{}\u2603", "{}\x00b", " {}", "{} "])
def test_a_value_that_a_header_cannot_carry_is_refused_without_telling_it(around: str) -> None:
    fault = headers.fault_of_value(around.format("secret"))
    assert fault is not None
    assert "secret" not in fault


@pytest.mark.parametrize("value", ["", "Bearer x", "a\tb", "\xe9"])
def test_other_values_may_be_given(value: str) -> None:
    assert headers.fault_of_value(value) is None


@pytest.mark.parametrize(
    ("url", "says"),
    [
        ("", "must begin with"),
        ("ftp://example.com", "must begin with"),
        ("http://", "name a host"),
        ("http://u:secret@example.com", "user name or password"),
        ("http://example.com:0/", "port 0"),
        ("http://example.com:99999/", "not a URL"),
        ("http://[::1", "not a URL"),
        ("http://exa mple.com", "holds a space"),
        ("http://example.com\\@x", "backslash"),
        ("http://exämple.com", "outside ASCII"),
        ("http://\uff11\uff12\uff17.0.0.1/", "outside ASCII"),
        ("http://a\n@127.0.0.1/", "control character"),
        ("http://127.1/", "odd number"),
        ("http://0177.0.0.1/", "odd number"),
        ("http://0x7f.0.0.1/", "odd number"),
        ("http://0x7F000001/", "odd number"),
        ("http://2130706433:80/", "odd number"),
        ("http://0/", "odd number"),
        ("http://127.0.0.1./", "odd number"),
        ("http://1.2.3.4.5/", "odd number"),
        ("http://example.0x/", "odd number"),
        ("http://%31%32%37.0.0.1/", "% in its host"),
        ("http://[fe80::1%25eth0]/", "% in its host"),
        ("file:///etc/passwd", "must begin with"),
        ("gopher://example.com", "must begin with"),
    ],
)
def test_what_is_plainly_no_url_to_call_is_refused_without_telling_it(url: str, says: str) -> None:
    fault = urls.fault_of(url)
    assert fault is not None
    assert says in fault
    assert "secret" not in fault


@pytest.mark.parametrize(
    "url", ["http://127.0.0.1:9", "https://example.com/a?b=%20#c", "http://[::1]:80/", "http://1.example.com./"]
)
def test_a_plain_url_may_be_called(url: str) -> None:
    assert urls.fault_of(url) is None
