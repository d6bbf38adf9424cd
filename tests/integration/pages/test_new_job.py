"""A new job by a form: one for each kind of task, refused beside its fields, made once however often it is sent."""

from __future__ import annotations

import json
from types import SimpleNamespace
from typing import Any

import pytest

from client import declared as declaration
from core import schedules
from core.principals import LOCAL
from pages import presets
from services.apps import apps
from tests.factories import GivenSystem, claim_one, runs_of
from tests.integration.api.client import NO_JOB
from tests.integration.pages.browser import Browser, Page
from tests.integration.pages.making import MAKE, jobs, wrong_beside

PREVIEW = "Show what it means"
ONCE = "Try it once now"


class Posting:
    """Stands for `requests`: keeps what is posted."""

    def __init__(self, made: dict[str, Any]) -> None:
        self._made = made

    def post(self, url: str, **given: Any) -> Any:
        self._made.update(given, url=url)
        return SimpleNamespace(raise_for_status=lambda: None, json=lambda: {"id": "1"})


def sent(page: Page, **typed: str) -> dict[str, str]:
    """What is typed, by the names of fields with dots in place of double underscores."""
    names = page.form(MAKE).fields
    named = {name.replace("__", "."): value for name, value in typed.items()}
    assert named.keys() <= names.keys() | {"do"}, named.keys() - names.keys()
    return named


def test_a_call_of_an_application_every_weekday_is_made_by_a_form(browser: Browser, system: GivenSystem) -> None:
    browser.cookies["carillon_zone"] = "Europe/Berlin"
    page = browser.load("/dashboard/new")
    assert "for a job that runs once; on the clocks of Europe/Berlin, yours" in page.text
    assert "from then on; on the clocks of the schedule\u2019s time zone" in page.text
    typed = sent(
        page,
        task_type="digest",
        data='{"to": "<all>"}',
        name="Weekday digest",
        tags="mail\r\nnightly",
        schedule__type="cron",
        schedule__cron__expression="0 9 * * mon-fri",
        priority="7",
        overlap="queue_one",
    )
    made = browser.submit(page.form(MAKE), **typed)
    assert "The job is created." in made.text
    [job] = jobs(system)
    assert (job.task_type, job.name, job.data, job.priority) == ("digest", "Weekday digest", {"to": "<all>"}, 7)
    assert job.tags == ("mail", "nightly")
    assert job.overlap == "queue_one"
    assert job.schedule == schedules.Cron("0 9 * * mon-fri", timezone="Europe/Berlin")


@pytest.mark.parametrize(
    ("kind", "members", "expected"),
    [
        ("immediate", {}, schedules.Immediate),
        ("run_at", {"timestamp": "2026-12-24T18:00:00"}, schedules.RunAt),
        ("delay_from_now", {"duration_seconds": "1.5"}, schedules.DelayFromNow),
        ("interval", {"every_seconds": "60", "max_runs": "3"}, schedules.Interval),
        ("polling", {"interval_seconds": "30"}, schedules.Polling),
    ],
)
def test_every_kind_of_schedule_has_its_fields(
    browser: Browser, system: GivenSystem, kind: str, members: dict[str, str], expected: type
) -> None:
    page = browser.load("/dashboard/new")
    of_kind = {f"schedule.{kind}.{name}": value for name, value in members.items()}
    made = browser.submit(page.form(MAKE), **{"task_type": "greet", "schedule.type": kind, **of_kind})
    assert made.status == 200, made.text
    [job] = jobs(system)
    assert isinstance(job.schedule, expected)


def test_what_is_wrong_stands_beside_its_field_with_what_was_typed(browser: Browser, system: GivenSystem) -> None:
    page = browser.load("/dashboard/new")
    typed = sent(
        page,
        task_type="no spaces",
        schedule__type="cron",
        schedule__cron__expression="0 25 * * *",
        priority="eleven",
        app_name="",
    )
    refused = browser.submit(page.form(MAKE), **typed)
    assert refused.status == 400
    assert wrong_beside(refused) == {"task_type", "schedule.cron.expression", "priority", "app_name"}
    assert refused.form(MAKE).fields["schedule.cron.expression"] == "0 25 * * *"
    assert refused.form(MAKE).fields["priority"] == "eleven"
    assert jobs(system) == []
    right = sent(refused, task_type="spaces", schedule__cron__expression="0 5 * * *", priority="1", app_name="app_a")
    assert "The job is created." in browser.submit(refused.form(MAKE), **right).text


DEEP = '{"a":' * 32 + "1" + "}" * 32


@pytest.mark.parametrize(
    ("data", "word"),
    [
        ("{", "cannot be read as JSON"),
        ("[1]", "must be a JSON object"),
        ('{"a": 1, "a": 2}', "a is given more than once"),
        (DEEP, "nests deeper than 32 levels"),
    ],
)
def test_data_that_is_no_object_is_refused(browser: Browser, data: str, word: str) -> None:
    page = browser.load("/dashboard/new")
    refused = browser.submit(page.form(MAKE), task_type="greet", data=data)
    assert wrong_beside(refused) == {"data"}
    assert word in refused.text


def test_a_job_is_tried_once_at_once_without_its_schedule_and_name(browser: Browser, system: GivenSystem) -> None:
    page = browser.load("/dashboard/new")
    typed = {
        "task_type": "digest",
        "data": '{"to": "all"}',
        "name": "nightly",
        "title": "Digest",
        "priority": "7",
        "schedule.type": "cron",
        "schedule.cron.expression": "not typed yet",
        "deadline_seconds": "60",
    }
    tried = browser.submit(page.form(ONCE), do="once", **typed)
    assert "A job was created that runs once, to try it." in tried.text
    [job] = jobs(system)
    assert (job.schedule, job.name, job.deadline_seconds) == (schedules.Immediate(), None, None)
    assert (job.task_type, job.data, job.title, job.priority) == ("digest", {"to": "all"}, "Digest", 7)
    [run] = runs_of(job.id)
    assert str(run.id) in tried.text
    assert claim_one(system).run_id == run.id
    made = browser.submit(page.form(MAKE), **{**typed, "schedule.cron.expression": "0 2 * * *"})
    assert "The job is created." in made.text, "under the key and the name that the form has"


def test_what_is_tried_twice_runs_once_and_again_once_something_else_is_typed(
    browser: Browser, system: GivenSystem
) -> None:
    form = browser.load("/dashboard/new").form(ONCE)
    first, second = (browser.send(form, do="once", task_type="greet").headers["Location"] for _ in range(2))
    other = browser.send(form, do="once", task_type="greet", data='{"n": 2}').headers["Location"]
    assert (first == second, first != other, len(jobs(system))) == (True, True, 2)


def test_what_is_wrong_with_a_try_stands_beside_its_field(browser: Browser, system: GivenSystem) -> None:
    page = browser.load("/dashboard/new?kind=http")
    refused = browser.submit(page.form(ONCE), do="once", **{"data.url": "ftp://example.com"})
    assert (refused.status, wrong_beside(refused), jobs(system)) == (400, {"data.url"}, [])


def test_a_form_that_is_sent_twice_makes_one_job(browser: Browser, system: GivenSystem) -> None:
    form = browser.load("/dashboard/new").form(MAKE)
    first, second = (browser.send(form, task_type="greet") for _ in range(2))
    assert first.status_code == second.status_code == 303
    assert first.headers["Location"] == second.headers["Location"]
    assert len(jobs(system)) == 1
    changed = browser.submit(form, task_type="other")
    assert changed.status == 422
    assert "This form was sent before" in changed.text
    assert len(jobs(system)) == 1


def test_a_preview_says_what_the_schedule_means_and_makes_nothing(browser: Browser, system: GivenSystem) -> None:
    page = browser.load("/dashboard/new")
    typed = sent(page, task_type="greet", schedule__type="cron", schedule__cron__expression="30 4 1 * *")
    shown = browser.submit(page.form(PREVIEW), do="preview", **typed)
    assert "Tue 1 Dec 2026 04:30:00" in shown.text
    assert shown.text.count("04:30:00") == 10
    assert "On the clocks of UTC: " in shown.text
    assert '"expression": "30 4 1 * *"' in shown.text, "the same from a shell"
    assert jobs(system) == []
    assert shown.form(MAKE).fields["schedule.cron.expression"] == "30 4 1 * *"
    wrong = browser.submit(page.form(PREVIEW), do="preview", **{**typed, "schedule.cron.expression": "@reboot"})
    assert wrong_beside(wrong) == {"schedule.cron.expression"}


def test_a_preview_says_what_jitter_does_and_how_many_runs_there_are(browser: Browser, system: GivenSystem) -> None:
    page = browser.load("/dashboard/new")
    options = {"schedule__cron__jitter_seconds": "90", "schedule__cron__max_runs": "2"}
    typed = sent(page, task_type="greet", schedule__type="cron", schedule__cron__expression="30 4 1 * *", **options)
    shown = browser.submit(page.form(PREVIEW), do="preview", **typed)
    assert "each up to 90 s later" in shown.text
    assert shown.text.count("due by") == shown.text.count("at the latest") == 2
    assert "Tue 1 Dec 2026 04:31:30 at the latest" in shown.text


def test_a_preview_of_a_wrong_schedule_says_so_where_the_browser_scrolls_to(browser: Browser) -> None:
    page = browser.load("/dashboard/new")
    typed = sent(page, task_type="greet", schedule__type="cron", schedule__cron__expression="61 2 * * *")
    wrong = browser.submit(page.form(PREVIEW), do="preview", **typed)
    shown = wrong.html.partition('id="preview"')[2]
    assert "Expression" in shown.partition("</section>")[0]
    assert not policies_are_open(wrong), "nothing is wrong with them"
    refused = browser.submit(page.form(MAKE), task_type="greet", priority="eleven")
    assert policies_are_open(refused)
    assert "Priority" not in refused.html.partition('id="preview"')[2].partition("</section>")[0]


def policies_are_open(page: Page) -> bool:
    [policies] = [given for tag, given in page.elements if tag == "details" and given.get("id") == "policies"]
    return "open" in policies


def test_what_is_typed_is_told_at_once_as_a_sentence_a_command_a_file_and_a_program(
    browser: Browser, system: GivenSystem
) -> None:
    page = browser.load("/dashboard/new")
    typed = sent(
        page,
        app_name="app_a",
        task_type="greet",
        name="nightly",
        schedule__type="cron",
        schedule__cron__expression="0 2 * * *",
    )
    shown = browser.submit(page.form(PREVIEW), do="look", **typed)
    assert shown.text.count("02:00:00") == 10
    assert "<html" not in shown.html, "a part of a page"
    curl, declared, program = shown.texts_of("pre")
    assert "curl -s http://127.0.0.1:8000/api/jobs/create" in curl
    job = declaration.read(declared, "nightly.yaml").jobs[0]
    assert (job.app, job.name, job.definition["schedule"]["expression"]) == ("app_a", "nightly", "0 2 * * *")
    made: dict[str, Any] = {}
    exec(program.replace("import requests", ""), {"requests": Posting(made), "print": lambda *_: None})  # noqa: S102
    assert made["json"]["task_type"] == "greet"
    wrong = browser.submit(page.form(PREVIEW), do="look", **{**typed, "schedule.cron.expression": "0 25 * * *"})
    assert "Expression" in wrong.text
    assert wrong.status == 200
    assert jobs(system) == []


def test_a_preset_fills_in_the_schedule_and_leaves_what_was_typed(browser: Browser) -> None:
    page = browser.load("/dashboard/new")
    for key in presets.PRESETS:
        shown = browser.submit(page.form(PREVIEW), do=f"preset.{key}", task_type="greet")
        assert shown.form(MAKE).fields["task_type"] == "greet"
        assert "The same as YAML" in shown.text, key
    assert shown.form(MAKE).fields["schedule.type"] == "cron"
    assert shown.form(MAKE).fields["schedule.cron.expression"] == "0 6 1 * *"
    assert browser.submit(page.form(PREVIEW), do="preset.never").status == 400


def test_a_clone_is_all_that_a_job_is_but_its_name(browser: Browser, system: GivenSystem) -> None:
    browser.cookies["carillon_zone"] = "Europe/Berlin"
    typed = {
        "data.url": "https://example.com/",
        "schedule.type": "interval",
        "schedule.interval.every_seconds": "60",
        "schedule.interval.starts_at": "2026-11-24T18:00:00",
        "name": "ping",
        "tags": "a\r\nb",
        "priority": "7",
    }
    made = browser.submit(browser.load("/dashboard/new?kind=http").form(MAKE), **typed)
    form = browser.load(made.links["Clone"]).form(MAKE)
    assert form.fields["name"] == ""
    browser.submit(form)
    second, first = jobs(system)
    assert (second.data, second.tags, second.priority) == (first.data, first.tags, first.priority)
    assert second.schedule == first.schedule
    assert browser.load(f"/dashboard/new?like={NO_JOB}").status == 404
    assert browser.load("/dashboard/new?like=1").status == 404


def test_the_receiver_is_called_once_before_a_job_is_made(browser: Browser, system: GivenSystem) -> None:
    page = browser.load("/dashboard/new")
    typed = {"app_name": "app_a", "task_type": "greet"}
    assert browser.submit(page.form(MAKE), do="try", **typed).status == 404, "there is no such app yet"
    apps.ensure(LOCAL, system, "app_a")
    answer = browser.submit(page.form(MAKE), do="try", **typed)
    assert "This process makes no calls" in answer.text, "as the API says where none are made"
    assert jobs(system) == []


def test_the_definition_of_a_job_makes_another_like_it(browser: Browser, system: GivenSystem) -> None:
    page = browser.load("/dashboard/new")
    typed = sent(page, task_type="greet", schedule__type="interval", schedule__interval__every_seconds="60")
    made = browser.submit(page.form(MAKE), **typed)
    [shown] = [json.loads(text) for text in made.texts_of("pre") if '"task_type"' in text and text.startswith("{")]
    again = browser.request("POST", "/api/jobs/create", body=json.dumps(shown), **{"Content-Type": "application/json"})
    assert again.status_code == 201
    first, second = jobs(system)
    assert (first.schedule, first.task_type) == (second.schedule, second.task_type)
