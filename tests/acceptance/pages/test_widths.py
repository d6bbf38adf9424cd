"""No page is wider than its window, and no table is cut off, whatever texts they show."""

from __future__ import annotations

import pytest
from playwright.sync_api import expect

from tests.acceptance.journal import Gate
from tests.acceptance.pages.conftest import NewReader, Session
from tests.acceptance.pages.reader import Reader, pages_of, too_wide

pytestmark = pytest.mark.xdist_group("chromium")
A_PHONE, A_DESK = 375, 1280
TWO_LINES = 36
_CUT_OFF = """[...document.querySelectorAll(".scroll")].filter(one => one.scrollWidth > one.clientWidth)
    .map(one => one.closest("section").querySelector("h2").innerText)"""


@pytest.mark.parametrize("width", [A_PHONE, A_DESK])
def test_long_texts_without_a_blank_widen_no_page(reader: NewReader, session: Session, width: int) -> None:
    one = reader(session, width=width)
    one.make_job("broken", name=f"{'fails-' * 15}{width}", account_id="a" * 100, max_retries="0")
    expect(one.status).to_have_text("failed")
    pages = pages_of(one)
    one.make_job("greet", "cron", name=f"{'n' * 100}{width}", schedule__cron__expression="0 9 * * *")
    one.do_for_a_reason("pause", "x" * 400)
    expect(one.status).to_have_text("paused")
    pages += pages_of(one)
    one.press("Run now")
    expect(one.page.locator("main")).to_contain_text("It waits until the job is resumed.")
    pages += [*pages_of(one), "/dashboard/runs/" + one.shown_id()]
    assert too_wide(one, set(pages), width) == []


def test_a_table_of_a_limit_is_not_cut_off_beside_its_form(ada: Reader, session: Session, gate: Gate) -> None:
    gate.close()
    ada.open("/dashboard/limits")
    ada.fill(limited=f"app:{session.app}", concurrency="1")
    ada.press("Limit")
    for name in ("Under way", "Behind it"):
        ada.make_job("greet", name=name, account_id="umbrella")
    ada.open(f"/dashboard/limits/of?key=app:{session.app}")
    expect(ada.page.locator("#waiting tbody")).to_contain_text("Behind it")
    assert ada.page.evaluate(_CUT_OFF) == []
    for account in ada.page.get_by_text("umbrella", exact=True).all():
        assert account.evaluate("one => one.getBoundingClientRect().height") < TWO_LINES, "no word is broken"
    gate.open()
    ada.press("Delete the limit")
