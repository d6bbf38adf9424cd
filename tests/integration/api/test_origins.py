"""Front ends on other origins: who may read and change, from a browser."""

from __future__ import annotations

from typing import Any

import pytest

from api.posted_forms import FORM
from api.sites import COOKIE
from tests.factories import given_system
from tests.integration.api.client import PRINTED, Client, served
from tests.integration.api.people import PASSWORD, SECRET, register, token_of

OURS, OTHERS = "https://app.example.com", "https://evil.example.com"
JOB = {"name": "Report"}


def client_of(**settings: Any) -> Client:
    return Client(served(given_system(**{"internal_secret": SECRET, "cors_origins": OURS, **settings})))


def preflight(client: Client, origin: str, path: str = "/api/jobs", method: str = "POST") -> Any:
    asked = {"Origin": origin, "Access-Control-Request-Method": method}
    return client.simulate_options(path, headers={**asked, "Access-Control-Request-Headers": "authorization"})


def names(header: str) -> set[str]:
    return set(header.split(", "))


@pytest.fixture
def client(sqlite: str) -> Client:
    return client_of()


def test_a_preflight_is_answered_before_anyone_is_asked_who_they_are(client: Client) -> None:
    for path in ("/api/jobs", "/api/jobs/", "/jobs/api/jobs", "/api/nowhere"):
        result = preflight(client, OURS, path)
        assert (result.status_code, result.content) == (204, b"")
        assert result.headers["Access-Control-Allow-Origin"] == OURS
        assert names(result.headers["Access-Control-Allow-Methods"]) >= {"POST", "PUT", "PATCH", "DELETE"}
        taken = names(result.headers["Access-Control-Allow-Headers"])
        assert taken >= {"Authorization", "Content-Type", "Idempotency-Key", "If-Match"}
        assert "X-Internal-Secret" not in taken
        assert "Origin" in result.headers["Vary"]
        assert "Access-Control-Allow-Credentials" not in result.headers


def test_a_page_of_a_named_origin_reads_answers_and_refusals(client: Client) -> None:
    anna = token_of(client, "anna")
    for headers, status in ((anna, 200), ({}, 401)):
        result = client.simulate_get("/api/jobs", headers={**headers, "Origin": OURS})
        assert (result.status_code, result.headers["Access-Control-Allow-Origin"]) == (status, OURS)
        shown = names(result.headers["Access-Control-Expose-Headers"])
        assert shown >= {"ETag", "Link", "Location", "Retry-After", "RateLimit"}
        assert "Access-Control-Allow-Credentials" not in result.headers


@pytest.mark.parametrize(
    "origin", [OTHERS, "null", "https://app.example.com.evil.example.com", "http://app.example.com"]
)
def test_a_page_of_another_origin_reads_nothing(client: Client, origin: str) -> None:
    anna = token_of(client, "anna")
    read = client.simulate_get("/api/jobs", headers={**anna, "Origin": origin})
    assert "Access-Control-Allow-Origin" not in read.headers
    assert "Origin" in read.headers["Vary"]
    refused = preflight(client, origin)
    assert refused.status_code == 401
    assert "Access-Control-Allow-Origin" not in refused.headers


def test_a_page_of_a_named_origin_changes_things_with_a_token(client: Client) -> None:
    anna = token_of(client, "anna")
    for origin, status in ((OURS, 201), (OTHERS, 403)):
        headers = {**anna, "Origin": origin, "Sec-Fetch-Site": "cross-site"}
        assert client.simulate_post("/jobs/api/jobs/", json=JOB, headers=headers).status_code == status


def test_a_session_opens_nothing_from_another_origin(client: Client) -> None:
    register(client, "anna")
    form = f"username=anna&password={PASSWORD.replace(' ', '+')}"
    logged_in = client.simulate_post("/login/", body=form, content_type="application/x-www-form-urlencoded")
    session = {"Cookie": f"{COOKIE}={logged_in.cookies[COOKIE].value}"}
    for elsewhere in ({"Origin": OURS}, {"Origin": OURS, "Sec-Fetch-Site": "same-site"}):
        assert client.simulate_post("/jobs/api/jobs/", json=JOB, headers={**session, **elsewhere}).status_code == 403
    own = {**session, "Origin": "http://127.0.0.1", "Sec-Fetch-Site": "same-origin"}
    assert client.simulate_post("/jobs/api/jobs/", json=JOB, headers=own).status_code == 201


@pytest.mark.parametrize(
    ("protocol", "origin", "status"),
    [
        ("https", "https://carillon.example.com", 201),
        ("https", "http://carillon.example.com", 403),
        ("http", "http://carillon.example.com", 201),
        ("http", "https://carillon.example.com", 201),  # a proxy ended TLS, and did not say so
    ],
)
def test_a_page_without_tls_changes_nothing_where_there_is_tls(
    sqlite: str, protocol: str, origin: str, status: int
) -> None:
    client = client_of(cors_origins="")
    own = {**token_of(client, "anna"), "Origin": origin}
    created = client.simulate_post(
        "/jobs/api/jobs/", json=JOB, headers=own, protocol=protocol, host="carillon.example.com"
    )
    assert created.status_code == status


def test_all_origins_may_be_named_at_once(sqlite: str) -> None:
    client = client_of(cors_origins="*")
    assert preflight(client, OTHERS).headers["Access-Control-Allow-Origin"] == OTHERS
    anna = {**token_of(client, "anna"), "Origin": OTHERS, "Sec-Fetch-Site": "cross-site"}
    result = client.simulate_post("/jobs/api/jobs/", json=JOB, headers=anna)
    assert (result.status_code, result.headers["Access-Control-Allow-Origin"]) == (201, OTHERS)
    assert "Access-Control-Allow-Credentials" not in result.headers


def test_without_a_secret_the_named_origin_alone_comes_in(sqlite: str) -> None:
    client = client_of(internal_secret=None)
    for origin, status in ((OURS, 201), (OTHERS, 403)):
        headers = {"Origin": origin, "Sec-Fetch-Site": "cross-site"}
        assert client.simulate_post("/api/jobs/create", json=PRINTED, headers=headers).status_code == status


def test_where_no_origin_is_named_none_is_told_anything(sqlite: str) -> None:
    client = client_of(cors_origins="")
    result = client.simulate_get("/healthz", headers={"Origin": OURS})
    assert not [name for name in result.headers if name.lower().startswith("access-control")]
    assert preflight(client, OURS).status_code == 401


@pytest.mark.parametrize(("named", "origin"), [("*", OTHERS), (OURS, OURS)])
def test_no_page_of_another_site_logs_a_browser_in_as_its_own_user(sqlite: str, named: str, origin: str) -> None:
    client = client_of(cors_origins=named)
    register(client, "eve")
    form = f"username=eve&password={PASSWORD.replace(' ', '+')}"
    elsewhere = {"Origin": origin, "Sec-Fetch-Site": "cross-site"}
    for content_type in (FORM, FORM.upper(), f"{FORM}; charset=utf-8"):
        for path in ("/login/", "/register/", "/logout/", "/dashboard/jobs/actions"):
            refused = client.simulate_post(path, body=form, content_type=content_type, headers=elsewhere)
            assert (refused.status_code, refused.cookies) == (403, {})
    given = {"username": "eve", "password": PASSWORD}
    logged_in = client.simulate_post("/login/", json=given, headers=elsewhere)
    assert (logged_in.status_code, logged_in.cookies) == (200, {})
