"""Which addresses are inner ones, and which of those the operator lets callbacks go to."""

from __future__ import annotations

from ipaddress import ip_address

import pytest

from core import networks, ports
from core.networks import ANYWHERE, PUBLIC, Reach

INNER = {
    "a loopback": ["127.0.0.1", "127.255.255.254", "::1"],
    "an unspecified": ["0.0.0.0", "0.1.2.3", "::"],  # noqa: S104
    "a private": ["10.0.0.1", "172.16.0.1", "172.31.255.255", "192.168.1.1", "fc00::1", "fd12:3456::1"],
    "a link-local": ["169.254.1.1", "fe80::1", "febf::1"],
    "a shared": ["100.64.0.1", "100.127.255.255"],
    "a multicast": ["224.0.0.1", "239.255.255.255", "ff02::1"],
    "a metadata": [
        *("169.254.169.254", "169.254.170.2", "169.254.170.23", "169.254.0.23", "168.63.129.16", "100.100.100.200"),
        *("192.0.0.192", "fd00:ec2::254", "fd00:ec2::23", "fd20:ce::254"),
    ],
    "a reserved": [
        *("192.0.0.1", "192.0.2.1", "192.88.99.1", "198.18.0.1", "198.51.100.1", "203.0.113.1", "240.0.0.1"),
        *("255.255.255.255", "2001::1", "2001:db8::1", "3fff::1", "fec0::1", "100::1", "64:ff9b:1::1", "4000::1"),
        "::7f00:1",
    ],
}
CARRYING = ["::ffff:{}", "64:ff9b::{}"]
OUTER = ["1.1.1.1", "100.63.255.255", "100.128.0.1", "172.32.0.1", "2606:4700::1111"]


@pytest.mark.parametrize(("kind", "address"), [(kind, one) for kind, some in INNER.items() for one in some])
def test_an_inner_address_is_denied_and_host_and_remedy_are_named_but_not_the_address(kind: str, address: str) -> None:
    assert networks.kind_of(ip_address(address)) == kind
    fault = PUBLIC.fault_of("app.example.com", 80, [address])
    assert fault is not None
    assert fault == PUBLIC.fault_of("app.example.com", 80, ["10.0.0.1"])  # alike, whatever the address is
    assert fault.startswith("app.example.com has an address that is not allowed")
    assert "CALLBACK_NETWORKS_ALLOWED" in fault


@pytest.mark.parametrize("form", CARRYING)
@pytest.mark.parametrize("address", ["127.0.0.1", "10.1.2.3", "169.254.169.254", "0.0.0.0", "100.64.0.1"])  # noqa: S104
def test_an_address_is_judged_by_the_one_that_it_carries(form: str, address: str) -> None:
    assert PUBLIC.fault_of("x.test", 80, [form.format(address)])
    assert PUBLIC.fault_of("x.test", 80, [form.format("1.1.1.1")]) is None


@pytest.mark.parametrize("address", ["2002:7f00:1::", "2002:a9fe:a9fe::1", "2002:a00:1::1", "fe80::1%lo"])
def test_six_to_four_and_zones_hide_nothing(address: str) -> None:
    assert PUBLIC.fault_of("x.test", 80, [address])


@pytest.mark.parametrize("address", OUTER)
def test_a_public_address_may_be_called(address: str) -> None:
    assert PUBLIC.fault_of("x.test", 80, [address]) is None


def test_one_denied_address_among_public_ones_is_enough() -> None:
    assert PUBLIC.fault_of("x.test", 80, ["1.1.1.1", "10.0.0.1"])
    assert PUBLIC.fault_of("x.test", 80, ["10.0.0.1", "1.1.1.1"])


def test_a_network_that_is_named_opens_itself_alone() -> None:
    reach = Reach(networks.listed(" 10.0.0.0/8, fd12::/16 ,"))
    assert reach.fault_of("x.test", 80, ["10.9.9.9", "fd12::1", "::ffff:10.0.0.1", "1.1.1.1"]) is None
    for address in ("127.0.0.1", "192.168.0.1", "fd13::1"):
        assert reach.fault_of("x.test", 80, [address])


def test_metadata_stays_closed_whatever_is_named() -> None:
    assert ANYWHERE.fault_of("x.test", 80, ["10.0.0.1", "::1"]) is None
    for address in INNER["a metadata"]:
        assert ANYWHERE.fault_of("x.test", 80, [address])


def test_a_public_address_is_open_at_the_ports_that_are_named_and_an_inner_network_at_each() -> None:
    reach = Reach(networks.listed("10.0.0.0/8"), frozenset({("app.internal", 25)}), ports.listed("443, 8000-8080"))
    assert [port for port in (25, 443, 8080, 8081) if not reach.fault_of("x.test", port, ["1.1.1.1"])] == [443, 8080]
    assert reach.fault_of("x.test", 25, ["10.0.0.1"]) is None
    assert reach.fault_of("app.internal", 25, ["1.1.1.1"]) is None
    assert reach.fault_of("x.test", 25, ["1.1.1.1"]) == (
        "x.test is to be called at port 25, and callbacks go only to the ports 443, 8000-8080; serve at one of these, "
        "or let CALLBACK_PORTS_ALLOWED name it."
    )


def test_a_host_that_is_named_is_open_at_its_port_alone() -> None:
    reach = Reach(hosts=frozenset({("app.internal", 9000)}))
    assert reach.fault_of("APP.internal", 9000, ["172.18.0.3"]) is None
    assert reach.fault_of("app.internal", 9001, ["172.18.0.3"])
    assert reach.fault_of("other.internal", 9000, ["172.18.0.3"])


@pytest.mark.parametrize("text", ["10.0.0.1/8", "ten", "10.0.0.0/33", "*", "10.0.0.0/8 fd12::/16"])
def test_what_is_no_network_is_refused_by_name(text: str) -> None:
    with pytest.raises(ValueError, match="which is no network; write for example"):
        networks.listed(text)
