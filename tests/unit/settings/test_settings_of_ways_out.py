"""Settings of the identity provider, the proxy and the installation's own authorities."""

from __future__ import annotations

from pathlib import Path

import pytest

from core.accounts import Registration
from core.group_roles import GroupRoles
from core.proxies import Proxy
from settings import ConfigurationError, load

PROVIDER = {"OIDC_ISSUER": "https://login.example.com", "OIDC_CLIENT_ID": "carillon", "OIDC_CLIENT_SECRET": "hunter2"}


def faults(**environ: str) -> str:
    with pytest.raises(ConfigurationError) as refused:
        load(environ)
    return str(refused.value)


@pytest.mark.parametrize("left_out", PROVIDER)
def test_what_is_known_of_the_provider_goes_together(left_out: str) -> None:
    told = faults(**{name: value for name, value in PROVIDER.items() if name != left_out})
    assert "go together" in told
    assert "hunter2" not in told


@pytest.mark.parametrize("issuer", ["http://login.example.com", "login.example.com", "ldap://login.example.com"])
def test_nobody_on_the_way_may_answer_in_the_providers_place(issuer: str) -> None:
    assert "https://" in faults(**{**PROVIDER, "OIDC_ISSUER": issuer})
    assert load({**PROVIDER, "OIDC_ISSUER": "http://127.0.0.1:8080"}).oidc_issuer


def test_who_may_register_is_said_or_follows_from_the_provider() -> None:
    assert load({}).who_may_register is Registration.OPEN
    assert load(PROVIDER).who_may_register is Registration.CLOSED
    for said in Registration:
        assert load({**PROVIDER, "REGISTRATION": said}).who_may_register is said
    assert load({"REGISTRATION": "none"}).who_may_register is Registration.CLOSED


def test_the_groups_are_read_as_a_table() -> None:
    assert load({**PROVIDER, "OIDC_GROUPS": "admins=administrator"}).oidc_groups == GroupRoles(frozenset({"admins"}))
    assert "group=app:role" in faults(**PROVIDER, OIDC_GROUPS="admins")


@pytest.mark.parametrize(
    ("url", "proxy"),
    [
        ("http://proxy.test", Proxy("proxy.test", 3128)),
        ("http://[::1]:80/", Proxy("::1", 80)),
        ("http://ada:a%40b@proxy.test:8080", Proxy("proxy.test", 8080, "Basic YWRhOmFAYg==")),
    ],
)
def test_a_proxy_is_read_with_what_it_asks_to_be_shown(url: str, proxy: Proxy) -> None:
    assert load({"EGRESS_PROXY": url}).way.proxy == proxy


@pytest.mark.parametrize(
    "url", ["proxy", "https://ada:hunter2@proxy.test", "http://", "http://p:0", "http://p/x", "socks5://p"]
)
def test_what_is_no_proxy_is_refused_and_not_repeated(url: str) -> None:
    told = faults(EGRESS_PROXY=url)
    assert told.startswith("EGRESS_PROXY is no proxy's address")
    assert "hunter2" not in told


def test_authorities_are_a_file_that_is_there(tmp_path: Path) -> None:
    assert "CA_BUNDLE" in faults(CA_BUNDLE=str(tmp_path / "none.pem"))
    file = tmp_path / "own.pem"
    file.write_text("")
    assert load({"CA_BUNDLE": str(file)}).way.ca_bundle == file


def test_without_these_calls_go_out_as_ever() -> None:
    way = load({}).way
    assert (way.proxy, way.ca_bundle, way.certificate, way.app_id) == (None, None, None, None)
