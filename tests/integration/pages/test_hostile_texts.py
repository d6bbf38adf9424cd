"""Texts that come from outside stay texts on every page, and stand where their rows are."""

from __future__ import annotations

import shutil
from collections import Counter
from pathlib import Path

import pytest

from models import database
from pages.static_files import StaticFiles
from tests.every_page import addresses
from tests.integration.pages.browser import Browser, Page
from tests.integration.pages.hostile import Sown

pytestmark = pytest.mark.xdist_group("hostile texts")  # which share what a harmless one looks like
HARMLESS = "harmless words"
QUOTES, ELEMENTS, SCHEME = (
    "\"><img src=x onerror=alert(1)>'-alert(1)-'",
    "</title><script>alert(1)</script>{{ 7 * 7 }}{% raw %}",
    "javascript:alert(1)\u202etxt.exe<b>",
)
IN_ADDRESSES = (QUOTES, ELEMENTS, SCHEME, "</title><svg/onload=alert(1)>")
OURS = {StaticFiles().path(name) for name in ("page.js", "live.js", "palette.js", "preview.js")}
OF_A_JOB = "app account title user_id task_type tag member data metadata"
SHOWN = {
    "/reset": "code",
    "/dashboard": "app title error host",
    "/dashboard/jobs": "app account title name task_type tag view reason-to-pause",
    "/dashboard/jobs/actions": "app title",
    "/dashboard/runs": "app account title error",
    "/dashboard/runs/actions": "title error",
    "/dashboard/jobs/{job_id:uuid}": f"{OF_A_JOB} name error",
    "/dashboard/jobs/{job_id:uuid}/edit": "account title name user_id task_type tag member data",
    "/dashboard/jobs/{job_id:uuid}/versions": "title",
    "/dashboard/jobs/{job_id:uuid}/backfill": "title",
    "/task/{job_id:uuid}": "command",
    "/task/{job_id:uuid}/update": "command",
    "/task/{job_id:uuid}/delete": "command",
    "/dashboard/failures": "app account title task_type error",
    "/dashboard/queues": "app account host",
    "/dashboard/queues/breaker": "app host",
    "/dashboard/apps": "app",
    "/dashboard/apps/{name}": "app key key-account",
    "/dashboard/limits": "app limit",
    "/dashboard/limits/of": "app limit",
    "/dashboard/accounts": "app account",
    "/dashboard/accounts/of": "app account title error",
    "/dashboard/mine": "token",
    "/dashboard/new": "app",
    "/dashboard/upcoming": "app title task_type",
    "/dashboard/audit": "app title limit key key-account token reason-to-change reason-to-pause data new-data",
    "/dashboard/workers": "app account title",
    "/dashboard/runs/{run_id:uuid}": "title member data path header body response-header answer error",
    "/dashboard/outbox": "subject",
    "/dashboard/outbox/{email_id:uuid}": "subject letter html",
    "reported": "title line result result-member",
    "in progress": "title message",
    "polled": f"{OF_A_JOB} state state-member",
    "changed": f"{OF_A_JOB} reason-to-change reason-to-pause new-data",
    "its versions": "title member data new-data reason-to-change",
    "uploaded": "app account title file",
    "test call": "title path header body response-header answer error",
}
"""What each page shows of the text, by where the text came from. The pages that are not here show none of it."""
WITHOUT = {
    *("/login", "/register", "/forgot", "/logout", "/task/create"),
    *("/dashboard/people", "/dashboard/settings", "/dashboard/upload"),
}


@pytest.fixture(scope="module")
def usual(migrated_file: Path, tmp_path_factory: pytest.TempPathFactory) -> dict[str, Counter[str]]:
    """The elements of each page, with their attributes, where the text is harmless."""
    folder = tmp_path_factory.mktemp("harmless")
    shutil.copyfile(migrated_file, folder / "carillon.db")
    database.connect(f"sqlite:///{folder / 'carillon.db'}", "test")
    found = {name: shape(page) for name, page in all_pages(Sown(HARMLESS, folder)).items()}
    database.disconnect()
    return found


@pytest.mark.parametrize("text", [QUOTES, ELEMENTS, SCHEME])
def test_a_text_from_outside_makes_no_element_and_no_attribute_and_is_shown_where_its_row_is(
    usual: dict[str, Counter[str]], sqlite: str, tmp_path: Path, text: str
) -> None:
    sown = Sown(text, tmp_path)
    pages = all_pages(sown)
    assert pages.keys() == SHOWN.keys() | WITHOUT, "say what a new page shows of the text, or that it shows none"
    for name, page in pages.items():
        assert shape(page) == usual[name], name
        assert scripts(page) <= OURS, name
        assert [one for one in leading(page) if not one.startswith(("/", "#"))] == [], name
    assert {name: lacking for name, page in pages.items() if (lacking := not_shown(sown, name, page))} == {}


@pytest.mark.parametrize("text", IN_ADDRESSES)
def test_what_stands_in_an_address_stays_text(browser: Browser, text: str) -> None:
    form = browser.load("/dashboard/jobs").form("Show")
    page = browser.submit(form, search=text)
    assert page.form("Show").fields["search"] == text
    assert shape(page) == shape(browser.submit(form, search=HARMLESS))
    assert browser.submit(form, status=text).status == 400


def all_pages(sown: Sown) -> dict[str, Page]:
    """Every page, by its route or by what it is about; the reader of each refuses elements that are not closed."""
    found = {name: sown.browser.load(path) for name, path in (addresses(sown.system, sown.about) | sown.more).items()}
    found["test call"] = sown.browser.submit(found["/dashboard/jobs/{job_id:uuid}"].form("Send a test call"))
    assert {page.status for page in found.values()} == {200}
    return found


def shape(page: Page) -> Counter[str]:
    """The elements of a page and the names of their attributes, in whatever order lists have them."""
    return Counter(" ".join([tag, *given]) for tag, given in page.elements)


def scripts(page: Page) -> set[str]:
    return {str(given.get("src")) for tag, given in page.elements if tag == "script"}


def leading(page: Page) -> list[str]:
    """Whatever the elements of a page lead to or load."""
    return [str(given[name]) for _, given in page.elements for name in ("href", "src", "action") if name in given]


def not_shown(sown: Sown, name: str, page: Page) -> list[str]:
    """The sources whose text a page lacks."""
    text = text_of(page)
    return [source for source in SHOWN.get(name, "").split() if sown.shown_of(source) not in text]


def text_of(page: Page) -> str:
    """What a page shows, in fields, too; quotes within JSON as they were sent."""
    fields = (value for _, given in page.elements if (value := given.get("value")))
    return " ".join(" ".join([page.text, *fields]).replace('\\"', '"').split())
