"""Jobs made by the form of a new job: its button, the fields that it refuses, and what was made."""

from __future__ import annotations

from core.filters import JobFilter
from core.listing import NEWEST_FIRST, Stretch
from core.principals import LOCAL
from services.reading import listing
from services.reading.counting import Counts
from services.reading.views import JobView
from tests.factories import GivenSystem
from tests.integration.pages.browser import Page

MAKE = "Make the job"


def jobs(system: GivenSystem) -> list[JobView]:
    page = listing.jobs(LOCAL, Counts(system.clock), JobFilter(), NEWEST_FIRST, Stretch(limit=100))
    return list(page.items)


def wrong_beside(page: Page) -> set[str]:
    ids = (str(given.get("id")) for _, given in page.elements)
    return {one.removeprefix("error-") for one in ids if one.startswith("error-")}
