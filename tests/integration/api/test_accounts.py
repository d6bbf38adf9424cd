"""Accounts over the API: whom they let in, and that each sees their own."""

from __future__ import annotations

from typing import Any

import pytest
from urllib3 import encode_multipart_formdata

from api.posted_forms import FORM
from api.sites import COOKIE
from tests.factories import GivenSystem, given_system
from tests.integration.api.client import NO_JOB, PRINTED, Client, refusal, served
from tests.integration.api.people import HIDDEN, PASSWORD, SECRET, register, session_of, token_of

DEADLINE_JOB = {"name": "Report"}


@pytest.fixture
def system(store: str) -> GivenSystem:
    """A system that others than this machine may use; its administrator is root."""
    return given_system(internal_secret=SECRET, admin_usernames="root", commands_allowed="echo")


def test_registering_and_logging_in_need_neither_token_nor_secret(client: Client) -> None:
    made = register(client, "anna")
    assert made.status_code == 201
    result = client.simulate_post("/api/login", json={"username": "anna", "password": PASSWORD})
    assert result.json["user"] == made.json
    assert set(made.json) == {"id", "username", "email"}


@pytest.mark.parametrize("path", ["/api/register/", "/register/"])
@pytest.mark.parametrize(
    ("changes", "error"),
    [
        ({}, "Username already exists."),
        ({"username": "berta"}, "Email already exists."),
        ({"username": ""}, "Username, password, and email are required."),
        ({"password": None}, "Username, password, and email are required."),
        ({"email": ""}, "Username, password, and email are required."),
    ],
)
def test_a_refused_registration_says_so_in_the_printed_words(
    client: Client, path: str, changes: dict[str, Any], error: str
) -> None:
    register(client, "anna")
    account = {"username": "anna", "password": PASSWORD, "email": "anna@example.com", **changes}
    result = client.simulate_post(path, json=account)
    assert (result.status_code, result.json["error"], result.json["detail"]) == (400, error, error)


@pytest.mark.parametrize(("name", "password"), [("anna", "wrong"), ("nobody", PASSWORD)])
def test_wrong_credentials_are_refused_in_the_printed_words(client: Client, name: str, password: str) -> None:
    register(client, "anna")
    for path in ("/api/login/", "/login/"):
        result = client.simulate_post(path, json={"username": name, "password": password})
        assert (result.status_code, result.json["error"]) == (400, "Invalid credentials.")


def test_who_guesses_on_gets_429_and_is_told_when_to_come_back(client: Client) -> None:
    register(client, "anna")
    guess = {"username": "anna", "password": "wrong"}
    statuses = [client.simulate_post("/api/login/", json=guess).status_code for _ in range(11)]
    assert statuses == [400] * 10 + [429]
    assert int(client.simulate_post("/api/login/", json=guess).headers["Retry-After"]) > 0


@pytest.mark.parametrize("token", ["Token wrong", "Token ", "Bearer x", "Basic YTpi"])
def test_a_wrong_token_is_refused(client: Client, token: str) -> None:
    for path in ("/api/tasks/", "/jobs/api/jobs/", "/scheduler/jobs/", "/api/jobs/"):
        assert client.simulate_get(path, headers={"Authorization": token}).status_code == 401


def test_the_scheme_of_a_token_may_be_written_in_any_case(client: Client) -> None:
    headers = {"Authorization": token_of(client, "anna")["Authorization"].replace("Token", "token")}
    assert client.simulate_get("/api/tasks/", headers=headers).status_code == 200


def test_tasks_need_a_token_even_where_nothing_else_does(store: str) -> None:
    client = Client(served(given_system()))
    for result in (client.simulate_get("/api/tasks/"), client.simulate_post("/api/tasks/", json={"command": "x"})):
        assert result.status_code == 401
        assert "Token" in result.headers["WWW-Authenticate"]


def test_each_sees_their_own_and_an_administrator_sees_all(client: Client) -> None:
    anna, berta, root = (token_of(client, name) for name in ("anna", "berta", "root"))
    made = client.simulate_post("/jobs/api/jobs/", json=DEADLINE_JOB, headers=anna)
    assert made.status_code == 201, made.text
    job_id = made.json["id"]

    def seen(headers: dict[str, str]) -> list[Any]:
        lists = (client.simulate_get("/jobs/api/jobs/", headers=headers).json,)
        page = client.simulate_get("/api/jobs/", headers=headers).json
        totals = (
            client.simulate_get("/jobs/api/jobs/stats/", headers=headers).json["total_jobs"],
            client.simulate_get("/api/jobs/stats/", headers=headers).json["total"],
        )
        return [len(lists[0]), page["count"], len(page["results"]), *totals]

    assert seen(anna) == seen(root) == seen(HIDDEN) == [1] * 5
    assert seen(berta) == [0] * 5
    for method, path in (
        ("GET", f"/jobs/api/jobs/{job_id}/"),
        ("PUT", f"/jobs/api/jobs/{job_id}/"),
        ("DELETE", f"/jobs/api/jobs/{job_id}/"),
        ("GET", f"/jobs/api/jobs/{job_id}/executions/"),
        ("GET", f"/api/jobs/{job_id}"),
        ("PATCH", f"/api/jobs/{job_id}"),
        ("DELETE", f"/api/jobs/{job_id}"),
        ("GET", f"/api/jobs/{job_id}/status"),
        ("POST", f"/api/jobs/{job_id}/cancel"),
        ("POST", f"/api/jobs/{job_id}/retry"),
    ):
        foreign = client.simulate_request(method, path, headers=berta, json={})
        missing = client.simulate_request(method, path.replace(job_id, NO_JOB), headers=berta, json={})
        assert foreign.status_code == missing.status_code == 404, path
        assert foreign.json["detail"].replace(job_id, NO_JOB) == missing.json["detail"]
    for headers in (anna, root):
        assert client.simulate_get(f"/api/jobs/{job_id}", headers=headers).json["owner_id"] is not None


def test_what_is_everyones_is_closed_to_a_mere_user(client: Client) -> None:
    anna, root = token_of(client, "anna"), token_of(client, "root")
    for method, path in (
        ("GET", "/api/stats/series"),
        ("GET", "/api/workers"),
        ("POST", "/api/installation/pause"),
    ):
        assert client.simulate_request(method, path, headers=anna, json={}).status_code == 403, path
        assert client.simulate_request(method, path, headers=root, json={}).status_code != 403, path
    assert client.simulate_post("/api/jobs/", headers=anna, json=PRINTED).status_code == 403
    assert client.simulate_post("/api/jobs/create", headers=anna, json=PRINTED).status_code == 404
    for path in ("/healthz", "/openapi.json"):
        assert client.simulate_get(path, headers=anna).status_code == 200


def test_the_name_of_an_administrator_cannot_be_had_by_just_anyone(client: Client) -> None:
    assert register(client, "Root").status_code == 400
    assert register(client, "Root", **HIDDEN).status_code == 201


@pytest.mark.parametrize(
    "name", ["Anonymous", "operator", "SYSTEM", "local", "Carillon", "crl_01ab23cd", "CRL_x", "\uff4fperator"]
)
def test_nobody_gets_the_name_of_a_key_or_of_those_who_have_none(client: Client, name: str) -> None:
    assert "callers without a name" in refusal(register(client, name, **HIDDEN))["username"]


@pytest.mark.parametrize("email", ["a@[", "a@=?utf-8?q?=0ABcc:x?=", "a;b@c", "g:a@b;", "a@b>", "nobody", "ä@b.c"])
def test_only_plain_addresses_are_registered(client: Client, email: str) -> None:
    account = {"username": "anna", "password": PASSWORD, "email": email}
    assert set(refusal(client.simulate_post("/api/register/", json=account))) == {"email"}


@pytest.mark.parametrize(
    "form",
    ["&".join(f"a{number}=1" for number in range(51)), "username=a%00b&password=x", "username=anna&pass%00word=x"],
)
def test_an_odd_form_is_a_400(client: Client, form: str) -> None:
    for path in ("/login/", "/register/"):
        assert refusal(client.simulate_post(path, body=form, content_type=FORM))


def test_a_login_replaces_the_session_that_its_browser_had(client: Client) -> None:
    """Nobody who has given a browser a session, or learnt it, shares the one in which its user logs in."""
    former = session_of(client, "anna")
    form = f"username=anna&password={PASSWORD.replace(' ', '+')}"
    result = client.simulate_post("/login/", body=form, content_type=FORM, headers=former)
    assert result.cookies[COOKIE].value not in former["Cookie"]
    assert client.simulate_get("/api/tasks/", headers=former).status_code == 401
    new = {"Cookie": f"{COOKIE}={result.cookies[COOKIE].value}"}
    assert client.simulate_get("/api/tasks/", headers=new).status_code == 200


def test_a_login_with_a_token_for_its_cookie_leaves_the_token(client: Client) -> None:
    token = token_of(client, "anna")
    cookie = f"{COOKIE}={token['Authorization'].partition(' ')[2]}"
    form = f"username=anna&password={PASSWORD.replace(' ', '+')}"
    headers = {"Cookie": cookie, "Sec-Fetch-Site": "same-origin"}
    assert client.simulate_post("/login/", body=form, content_type=FORM, headers=headers).status_code == 303
    assert client.simulate_get("/api/tasks/", headers=token).status_code == 200


@pytest.mark.parametrize("path", ["/api/logout", "/logout"])
def test_a_request_with_a_session_that_does_not_say_where_it_comes_from_changes_nothing(
    client: Client, path: str
) -> None:
    session = {"Cookie": session_of(client, "anna")["Cookie"]}
    result = client.simulate_post(path, headers=session)
    assert (result.status_code, "Sec-Fetch-Site or Origin" in result.json["detail"]) == (403, True)
    assert client.simulate_post(path, headers={**session, "Origin": "http://evil.example"}).status_code == 403
    assert client.simulate_get("/api/tasks/", headers=session).status_code == 200
    assert client.simulate_post(path, headers={**session, "Origin": "http://127.0.0.1"}).status_code in (204, 303)


def test_who_logs_out_is_out_at_once_and_stays_in_by_other_tokens(client: Client) -> None:
    first = token_of(client, "anna")
    again = client.simulate_post("/api/login/", json={"username": "anna", "password": PASSWORD}).json["token"]
    second = {"Authorization": f"Token {again}"}
    result = client.simulate_post("/api/logout", headers=first)
    assert (result.status_code, result.content) == (204, b"")
    assert client.simulate_get("/api/tasks/", headers=first).status_code == 401
    assert client.simulate_post("/api/logout/", headers=first).status_code == 401
    assert client.simulate_get("/api/tasks/", headers=second).status_code == 200


def test_without_a_token_there_is_nothing_to_log_out_of(client: Client) -> None:
    for headers in ({}, HIDDEN, {"Cookie": f"{COOKIE}=x", "Origin": "http://127.0.0.1"}):
        assert client.simulate_post("/api/logout", headers=headers).status_code == 401


@pytest.mark.parametrize(("path", "status"), [("/api/logout", 204), ("/logout/", 303)])
def test_a_session_ends_at_once_and_the_browser_forgets_it(client: Client, path: str, status: int) -> None:
    session = session_of(client, "anna")
    assert client.simulate_get("/api/tasks/", headers=session).status_code == 200
    result = client.simulate_post(path, headers=session)
    assert result.status_code == status
    assert result.headers.get("Location") == ("/login/" if status == 303 else None)
    assert (result.cookies[COOKIE].value, result.cookies[COOKIE].path) == ("", "/")
    assert client.simulate_get("/api/tasks/", headers=session).status_code == 401


def test_the_form_leads_to_the_login_where_the_session_is_over_already(client: Client) -> None:
    for headers in ({}, {"Cookie": f"{COOKIE}=x", "Sec-Fetch-Site": "same-origin"}):
        result = client.simulate_post("/logout/", headers=headers)
        assert (result.status_code, result.headers["Location"]) == (303, "/login/")


def test_a_page_of_another_site_logs_nobody_out(client: Client) -> None:
    session = session_of(client, "anna")
    for path in ("/api/logout", "/logout/"):
        assert client.simulate_post(path, headers={**session, "Sec-Fetch-Site": "cross-site"}).status_code == 403
    assert client.simulate_get("/api/tasks/", headers=session).status_code == 200


def test_a_form_gets_a_session_that_pages_and_scripts_of_others_cannot_use(client: Client) -> None:
    register(client, "anna")
    form = f"username=anna&password={PASSWORD.replace(' ', '+')}"
    result = client.simulate_post("/login/", body=form, content_type=FORM)
    assert (result.status_code, result.headers["Location"]) == (303, "/dashboard/")
    cookie = result.cookies[COOKIE]
    assert (cookie.http_only, cookie.same_site, cookie.path, cookie.secure) == (True, "Lax", "/", False)
    headers = {"Cookie": f"{COOKIE}={cookie.value}"}
    assert client.simulate_get("/api/tasks/", headers=headers).status_code == 200
    assert client.simulate_get("/api/tasks/", headers={"Authorization": f"Token {cookie.value}"}).status_code == 401
    other_site = {**headers, "Sec-Fetch-Site": "cross-site"}
    assert client.simulate_post("/api/tasks/", json={"command": "echo"}, headers=other_site).status_code == 403


def test_a_session_is_for_tls_alone_where_the_public_url_says_so(store: str) -> None:
    client = Client(served(given_system(internal_secret=SECRET, public_url="https://jobs.example.com")))
    register(client, "anna")
    form = f"username=anna&password={PASSWORD.replace(' ', '+')}"
    assert client.simulate_post("/login/", body=form, content_type=FORM).cookies[COOKIE].secure


def test_without_a_secret_who_shows_no_token_sees_all_and_who_does_their_own(store: str) -> None:
    client = Client(served(given_system()))
    client.create()
    anna = token_of(client, "anna")
    assert client.simulate_get("/api/jobs").json["count"] == 1
    assert client.simulate_get("/api/jobs", headers=anna).json["count"] == 0
    assert client.simulate_post("/api/jobs", json={**PRINTED, "job_type": "x"}).status_code == 400


def test_a_user_cannot_say_whose_an_upload_is_to_be(client: Client) -> None:
    body, content_type = encode_multipart_formdata([("file", ("a.txt", b"a")), ("app_name", "theirs")])
    headers = {**token_of(client, "anna"), "Content-Type": content_type}
    result = client.simulate_post("/api/jobs/upload-file/", body=body, headers=headers)
    assert refusal(result) == {"app_name": "may not be set by users; leave it out."}
