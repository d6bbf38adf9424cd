"""Links that the former release made go on as they were: nobody knows who made those to a password."""

from __future__ import annotations

from uuid import UUID

from core.accounts import LinkPurpose
from migrations import runner
from models import database, links
from models.tables import Link
from tests.integration.models.former import INSTANT, row

ADA, BEN = "018f0000000070008000000000000400", "018f0000000070008000000000000401"


def test_links_from_before_stay_and_end_with_who_is_known_to_have_made_them(former: None) -> None:
    runner.upgrade("0043_jobs_found")
    with database.transaction():
        for user, name in ((ADA, "ada"), (BEN, "ben")):
            names = {"username": name, "username_key": name, "email": f"{name}@example.com"}
            row("users", id=user, created_at=INSTANT, **{**names, "password_hash": "-"})
        made = {"created_by": "ada", "created_at": INSTANT, "expires_at": "2026-11-21T12:00:00.000000Z"}
        row("links", id="018f0000000070008000000000000500", purpose="reset", user_id=BEN, hash="a", **made)
        row("links", id="018f0000000070008000000000000501", purpose="administrator", user_id=ADA, hash="b", **made)
    assert runner.upgrade()[0] == "0044_makers"
    with database.transaction():
        assert [link.maker_id for link in Link.select()] == [None, None]
        links.remove_of_maker(UUID(ADA), tuple(LinkPurpose))
        assert [link.purpose for link in Link.select()] == [LinkPurpose.RESET]
