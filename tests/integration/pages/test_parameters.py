"""The form of a new job: the parameters of its kind of task, and what holds where nothing is chosen."""

from __future__ import annotations

from pages import job_form, words
from services.jobs.definition import Definition
from services.task_types import registry
from services.task_types.http import HttpTask
from tests.factories import GivenSystem
from tests.integration.pages.browser import Browser
from tests.integration.pages.making import MAKE, jobs, wrong_beside


def test_each_kind_of_task_that_works_here_has_a_form_of_its_parameters(browser: Browser, system: GivenSystem) -> None:
    kinds = {link for link in browser.load("/dashboard/new").links.values() if "?kind=" in link}
    assert {"/dashboard/new?kind=http", "/dashboard/new?kind=send_email"} <= kinds
    for link in kinds:
        assert browser.load(link).status == 200
    page = browser.load("/dashboard/new?kind=http")
    refused = browser.submit(page.form(MAKE), **{"data.url": "ftp://example.com"})
    assert wrong_beside(refused) == {"data.url"}
    made = browser.submit(refused.form(MAKE), **{"data.url": "https://example.com/", "data.method": "PUT"})
    assert "The job is created." in made.text
    [job] = jobs(system)
    assert job.data == {"url": "https://example.com/", "method": "PUT"}
    assert browser.load("/dashboard/new?kind=juggle").status == 400


def test_parameters_have_labels_and_examples_that_the_api_takes(browser: Browser, system: GivenSystem) -> None:
    page = browser.load("/dashboard/new?kind=http")
    labels = [text.strip() for text in page.texts_of("label")]
    assert {"URL", "Headers", "Expected statuses", "Client certificate"} <= set(labels)
    assert ("input", "data.url") in [(tag, given.get("name")) for tag, given in page.elements], "one line"
    assert 'for example {"X-Ops": "hello"}' in page.text
    refused = browser.submit(page.form(MAKE), **{"data.url": "https://example.com/", "data.headers": "X-Ops: hello"})
    assert wrong_beside(refused) == {"data.headers"}
    assert "Headers cannot be read as JSON: Expecting value" in refused.text
    assert 'write for example {"X-Ops": "hello"}.' in refused.text
    examples = {one.name: one.example for one in job_form.task_fields(registry.find("http")) if one.example}
    assert len(examples) == 8
    del examples["data.client_certificate"], examples["data.oauth2"]  # which name secrets that are not here
    assert "The job is created." in browser.submit(page.form(MAKE), **examples).text


def test_what_holds_where_nothing_is_chosen_is_said(browser: Browser, system: GivenSystem) -> None:
    page = browser.load("/dashboard/new?kind=http")
    assert "server default" not in page.text
    assert f"{HttpTask.model_fields['method'].default} (the default)" in page.text
    for chosen in (words.OVERLAPS[Definition.overlap], words.CATCH_UPS[Definition.catch_up]):
        assert f"{chosen} (the default)" in page.text
    assert f"{Definition.priority} by default" in page.text
    assert f"of a run that failed; {system.settings.max_retries} by default, unless the app" in page.text
    assert f"doubles with each retry; {system.settings.retry_backoff_base:g} by default, unless the app" in page.text
    frequency = page.html.partition('<select id="schedule.interval.frequency"')[2]
    assert frequency.partition("</option>")[0].endswith("none"), "a job by seconds has none"
    assert "if there is no app of this name, the job makes one" in page.text
    browser.submit(page.form(MAKE), **{"data.url": "https://example.com/"})
    [job] = jobs(system)
    assert (job.overlap, job.catch_up, job.priority) == (Definition.overlap, Definition.catch_up, Definition.priority)
    assert job.app_name == "default"
