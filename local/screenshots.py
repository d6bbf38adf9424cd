"""Pictures of the pages of a busy Tuesday, light and dark, on a desk and on a phone: `python -m local.screenshots`."""

from __future__ import annotations

import io
import sys
import tempfile
import threading
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import requests
from PIL import Image
from playwright.sync_api import Browser, FloatRect, Page, ViewportSize

from api.app import create_app
from core.rates import Rate
from local import chromium
from local.busy_tuesday import Day
from local.serving import served
from migrations import runner
from models import database
from processes import dashboard, zones
from settings import Settings

FOLDER = Path(__file__).resolve().parents[1] / "docs" / "screenshots"
THEMES = ("light", "dark")
SIZES: dict[str, ViewportSize] = {
    "desk": {"width": 1280, "height": 800},
    "phone": {"width": 390, "height": 780},
}
_COLOURS = 256
_AT_A_GLANCE = "overview"
"""The page whose picture is of the first screen alone, since README begins with it; those of others are of all."""
_HIGHEST = 3_200  # pixels, of a picture
_NEW = "/dashboard/new"
_ZONE = "Europe/Berlin"
_SECONDS = 60


def take(folder: Path) -> list[Path]:
    """Live through the day, and take a picture of each page in each theme and size. Returns their files."""
    folder.mkdir(parents=True, exist_ok=True)
    with _a_busy_tuesday() as url, chromium.opened() as browser:
        paths = _paths(url)
        return [
            _picture(page, url, path, folder / f"{name}-{theme}-{size}.png", whole=name != _AT_A_GLANCE)
            for theme in THEMES
            for size in SIZES
            for page in [_page(browser, url, theme, size)]
            for name, path in paths.items()
        ]


@contextmanager
def _a_busy_tuesday() -> Iterator[str]:
    zones.pin()
    with tempfile.TemporaryDirectory(prefix="carillon-pictures-") as name:
        settings = Settings(data_dir=Path(name), account_rate=Rate(calls=30, seconds=60))
        database.connect(f"sqlite:///{name}/carillon.db", "screenshots")
        try:
            runner.upgrade()
            day = Day(settings)
            day.live()
            stopping = threading.Event()
            app = create_app(day.system, broker_is_up=lambda: True, shutting_down=stopping)
            with served(dashboard.add_to(app, day.system)) as url:
                yield url
                stopping.set()
        finally:
            database.disconnect()


def _paths(url: str) -> dict[str, str]:
    """The pages, by the names of their pictures; the job and the run are ones that have something to tell."""
    stock = _found(url, "jobs", name="Import stock")
    synced = _found(url, "jobs", name="Sync contacts")
    runs = requests.get(f"{url}/api/jobs/{synced}/runs?limit=100", timeout=_SECONDS).json()["results"]
    retried = next(run["id"] for run in runs if run["attempt_count"] > 1)
    return {
        "overview": "/dashboard/?range=1h",
        "jobs": "/dashboard/jobs?tag=ops&ordering=name",
        "job": f"/dashboard/jobs/{stock}",
        "run": f"/dashboard/runs/{retried}",
        "failures": "/dashboard/failures",
        "upcoming": "/dashboard/upcoming",
        "queues": "/dashboard/queues",
        "app": "/dashboard/apps/billing",
        "new": _NEW,
    }


def _found(url: str, things: str, **given: str) -> str:
    answer: Mapping[str, Any] = requests.get(f"{url}/api/{things}", given, timeout=_SECONDS).json()
    return str(answer["results"][0]["id"])


def _page(browser: Browser, url: str, theme: str, size: str) -> Page:
    page = browser.new_page(viewport=SIZES[size], timezone_id=_ZONE)
    kept = {"carillon_theme": theme, "carillon_zone": _ZONE}
    page.context.add_cookies([{"name": name, "value": value, "url": url} for name, value in kept.items()])
    return page


def _picture(page: Page, url: str, path: str, file: Path, *, whole: bool) -> Path:
    page.goto(url + path)
    if path == _NEW:
        _preview(page)
    _store(page.screenshot(full_page=whole, clip=_beginning(page) if whole else None), file)
    return file


def _beginning(page: Page) -> FloatRect:
    """What is shown of a whole page: the list of what comes would make a picture of twenty screens."""
    width, height = page.evaluate("[document.documentElement.clientWidth, document.documentElement.scrollHeight]")
    return {"x": 0, "y": 0, "width": width, "height": min(height, _HIGHEST)}


def _preview(page: Page) -> None:
    """Make the form of a new job show what a schedule means."""
    page.fill("[name=task_type]", "send_digest")
    page.fill("[name=name]", "Weekday digest")
    page.check("[name='schedule.type'][value=cron]")
    page.fill("[name='schedule.cron.expression']", "0 9 * * mon-fri")
    page.get_by_role("button", name="Show what it means").click()
    page.locator("#preview").wait_for()


def _store(png: bytes, file: Path) -> None:
    """Write a picture with few colours, as pages have few."""
    with Image.open(io.BytesIO(png)) as whole:
        whole.convert("RGB").quantize(_COLOURS, dither=Image.Dither.NONE).save(file, optimize=True)


if __name__ == "__main__":
    made = take(FOLDER)
    kibibytes = sum(file.stat().st_size for file in made) // 1024
    sys.stdout.write(f"{len(made)} pictures, {kibibytes} KiB, in {FOLDER}\n")
