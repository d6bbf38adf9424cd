"""How mail servers are greeted: by names and addresses that strict ones take."""

from __future__ import annotations

import pytest

from core import ehlo


@pytest.mark.parametrize(
    ("host_name", "address", "greeting"),
    [
        ("mail.example.com", "192.0.2.1", "mail.example.com"),
        ("xn--mller-kva.example", "192.0.2.1", "xn--mller-kva.example"),
        ("buildbox7", "192.0.2.1", "[192.0.2.1]"),
        ("localhost", "::1", "[IPv6:::1]"),
        ("build_box.example.com", "192.0.2.1", "[192.0.2.1]"),
        ("müller.example", "192.0.2.1", "[192.0.2.1]"),
        ("10.0.0.1", "10.0.0.1", "[10.0.0.1]"),
        ("mail.example.com.", "2001:DB8:0::1", "[IPv6:2001:db8::1]"),
        ("", "fe80::1%eth0", "[IPv6:fe80::1]"),
        ("box", "::ffff:192.0.2.1", "[192.0.2.1]"),
        ("a" * 64 + ".example", "192.0.2.1", "[192.0.2.1]"),
    ],
)
def test_a_full_name_greets_and_else_the_address(host_name: str, address: str, greeting: str) -> None:
    assert ehlo.name(host_name, address) == greeting
    assert ehlo.checked(greeting) == greeting


@pytest.mark.parametrize("given", ["box", "a b.example", "[1.2.3]", "192.0.2.1", "[::1]", "mail.example.com\r\nX"])
def test_a_setting_that_strict_servers_refuse_is_refused(given: str) -> None:
    with pytest.raises(ValueError, match="write a full domain name"):
        ehlo.checked(given)
