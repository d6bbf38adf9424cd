"""What holds for every page: where addresses lead, what browsers may load, how refusals look."""

from __future__ import annotations

import ast
import asyncio
from typing import Any

import pytest
from falcon.testing import ASGIConductor, TestClient
from jinja2 import Environment, FileSystemLoader, nodes

from core.errors import DatabaseUnavailable
from pages import static_files
from pages.static_files import FOLDER, StaticFiles
from services.reading import listing
from tests.factories import GivenSystem, given_system
from tests.integration.pages.browser import Browser
from tests.integration.pages.conftest import site


def test_a_browser_is_led_to_the_dashboard_and_a_program_is_told_what_this_is(browser: Browser) -> None:
    assert browser.request("GET", "/").headers["Location"] == "/dashboard/"
    assert browser.request("GET", "/admin/").headers["Location"] == "/dashboard/"
    assert browser.request("GET", "/", Accept="application/json").json["name"] == "Carillon"


def test_a_page_that_is_not_there_says_so_and_leads_on(browser: Browser) -> None:
    for path in ("/dashboard/nowhere", "/dashboard/static/style.0123.css"):
        page = browser.load(path)
        assert page.status == 404
        assert "There is nothing here" in page.text
        assert page.links["All jobs"] == "/dashboard/jobs"


def test_a_filter_that_is_wrong_is_refused_in_the_words_of_the_api(browser: Browser) -> None:
    page = browser.load("/dashboard/jobs?status=going")
    assert page.status == 400
    assert "must be one of" in page.text
    assert "'going'" in page.text


def test_pages_load_only_their_own_files_which_browsers_keep_for_a_year(browser: Browser) -> None:
    page = browser.load("/dashboard/jobs")
    loaded = [given.get("src") or given.get("href") for tag, given in page.elements if tag in ("script", "link")]
    assert len(loaded) == 5
    for path in loaded:
        result = browser.request("GET", str(path))
        assert result.status_code == 200
        assert result.headers["Cache-Control"] == "public, max-age=31536000, immutable"
    assert page.headers["Cache-Control"] == "no-store"


@pytest.mark.parametrize(
    "path", ["/dashboard/jobs", "/dashboard/nowhere", "/login/", "/api/jobs", "/api/nowhere", "/healthz", "/swagger/"]
)
def test_nothing_may_be_framed_and_no_script_stands_in_a_page(browser: Browser, path: str) -> None:
    """The pages of Swagger UI alone, which are not Carillon's own, have styles in their text."""
    given = TestClient(browser.app).simulate_get(path, host="127.0.0.1").headers["Content-Security-Policy"]
    directives = dict(one.strip().split(" ", 1) for one in given.split(";"))
    assert directives["default-src"] == directives["frame-ancestors"] == "'none'"
    assert directives.get("script-src", "'self'") == "'self'"
    loose = {name for name, sources in directives.items() if "unsafe" in sources}
    assert loose == ({"style-src"} if path == "/swagger/" else set())


def test_a_page_on_which_nothing_changes_listens_to_nothing(browser: Browser) -> None:
    for path, listens in (("/dashboard/jobs", True), ("/dashboard/new", False), ("/login/", False)):
        page = browser.load(path)
        scripts = [str(given.get("src")) for tag, given in page.elements if tag == "script"]
        assert any("/live." in one for one in scripts) is listens
        assert any("data-events" in given for _, given in page.elements) is listens


def test_no_page_has_inline_styles_or_scripts(browser: Browser) -> None:
    for path in ("/dashboard/jobs", "/login/", "/dashboard/nowhere"):
        for tag, given in browser.load(path).elements:
            assert tag != "style"
            assert tag != "script" or given.get("src")
            assert not [name for name in given if name == "style" or name.startswith("on")]


def test_the_frame_of_all_pages_sets_no_name_that_a_page_gives() -> None:
    frame = Environment(autoescape=True).parse((FOLDER.with_name("templates") / "base.html").read_text())
    sets = {one.target.name for one in frame.find_all(nodes.Assign) if isinstance(one.target, nodes.Name)}
    modules = [ast.parse(file.read_text()) for file in FOLDER.parent.rglob("*.py")]
    keys = [key for one in modules for given in ast.walk(one) if isinstance(given, ast.Dict) for key in given.keys]
    gives = {key.value for key in keys if isinstance(key, ast.Constant)}
    assert "is_followed" in sets
    assert sets & gives == set(), "the frame's would be seen in the page instead"


def test_the_files_of_all_pages_are_small() -> None:
    sizes = {
        kind: sum(file.stat().st_size for file in static_files.FOLDER.glob(f"*{kind}")) for kind in (".js", ".css")
    }
    assert 0 < sizes[".js"] < 30_000
    assert 0 < sizes[".css"] < 20_000


def test_a_file_that_changes_has_another_address() -> None:
    assert StaticFiles().path("style.css") != f"{static_files.PATH}/style.css"


def test_zone_and_theme_are_kept_in_the_browser(browser: Browser) -> None:
    form = browser.load("/dashboard/jobs").form("Save")
    page = browser.submit(form, zone="Asia/Tokyo", theme="dark")
    assert ("html", {"lang": "en", "data-theme": "dark", "data-zone": "Asia/Tokyo"}) in page.elements
    refused = browser.submit(form, zone="Atlantis", theme="dark")
    assert refused.status == 400
    assert "zone is no time zone" in refused.text


def test_another_machine_that_resolves_to_this_one_is_refused_in_plain_text(browser: Browser) -> None:
    result = browser.request("GET", "/dashboard/jobs", host="evil.example")
    assert result.status_code == 421
    assert result.headers["Content-Type"].startswith("text/plain")


def test_a_page_of_another_site_cannot_send_a_form(browser: Browser) -> None:
    headers = {"Sec-Fetch-Site": "cross-site"}
    result = browser.request("POST", "/dashboard/settings", body="zone=UTC&theme=dark", **headers)
    assert result.status_code == 403


def test_behind_a_proxy_that_serves_it_under_a_path_all_addresses_have_that_path(sqlite: str) -> None:
    browser = Browser(site(given_system(public_url="https://example.com/carillon")))
    page = browser.load("/dashboard/jobs")
    assert all(link.startswith(("/carillon/", "#")) for link in page.links.values())
    assert all(form.action.startswith("/carillon/") for form in page.forms if form.method != "dialog")
    for path in ("/", "/admin/"):
        assert browser.request("GET", path).headers["Location"] == "/carillon/dashboard/"
    loaded = [given.get("src") or given.get("href") for tag, given in page.elements if tag in ("script", "link")]
    assert all(str(path).startswith("/carillon/dashboard/static/") for path in loaded)


def test_a_page_says_so_while_the_database_is_away(browser: Browser, monkeypatch: pytest.MonkeyPatch) -> None:
    def away(*_given: object) -> None:
        raise DatabaseUnavailable("connection refused")

    monkeypatch.setattr(listing, "jobs", away)
    page = browser.load("/dashboard/jobs")
    assert page.status == 503
    assert "A part of Carillon is unavailable" in page.text
    assert "Nothing is known to be lost" in page.text
    assert page.headers["Retry-After"] == "1"


def test_a_body_that_is_no_form_is_refused(browser: Browser) -> None:
    result = browser.request("POST", "/dashboard/settings", body="{}", **{"Content-Type": "application/json"})
    assert result.status_code == 415
    too_many = "&".join(f"field{number}=1" for number in range(300))
    assert browser.request("POST", "/dashboard/settings", body=too_many).status_code == 400
    assert browser.request("POST", "/dashboard/settings", body="zone=%00&theme=dark").status_code == 400


def test_whoever_asks_first_for_the_overview_waits_for_no_template(
    system: GivenSystem, monkeypatch: pytest.MonkeyPatch
) -> None:
    loaded: list[str] = []
    before: list[str] = []
    shown: list[str] = []
    load = FileSystemLoader.load

    def noted(self: FileSystemLoader, environment: Environment, name: str, *others: Any) -> Any:
        loaded.append(name)
        return load(self, environment, name, *others)

    async def ask_first() -> None:
        async with ASGIConductor(site(system)) as started:
            before.extend(loaded)
            shown.append((await started.simulate_get("/dashboard", host="127.0.0.1")).text)

    monkeypatch.setattr(FileSystemLoader, "load", noted)
    asyncio.run(ask_first())
    assert "<title>Overview" in shown[0]
    assert loaded == before
    assert sorted(before) == ["base.html", "macros.html", "overview.html"]


def test_an_error_is_said_once(browser: Browser) -> None:
    page = browser.load("/dashboard/limits/of?key=planet:mars")
    assert page.status == 400
    assert page.text.count("planet:mars") == 1
