"""A file of jobs is taken as it says, or refused naming the line."""

from __future__ import annotations

import pytest

from client import declared
from client.errors import WrongFile

FILE = """\
app: billing
jobs:
  - name: nightly
    account_id: acc1
    user_id: user1
    task_type: invoice
    schedule: {type: run_at, timestamp: 2027-03-01T09:30:00Z}
  - name: nightly
    app: shop
    account_id: 2
    user_id: 3
    task_type: stock
    schedule: &hourly
      type: cron
      expression: 0 * * * *
    data:
      opened: 2027-03-01
      answer: yes
  - {name: c, account_id: 1, user_id: 1, task_type: t, schedule: *hourly}
"""
GOOD = "{name: a, account_id: 1, user_id: 1, task_type: t, schedule: {type: immediate}}"


def test_a_file_of_jobs_is_read() -> None:
    file = declared.read(FILE, "jobs.yaml")
    first, second, third = file.jobs
    assert file.apps == ("billing", "shop")
    assert (first.app, first.name, first.line) == ("billing", "nightly", 3)
    assert first.definition["schedule"] == {"type": "run_at", "timestamp": "2027-03-01T09:30:00Z"}
    assert (second.app, second.name, second.line) == ("shop", "nightly", 8)
    assert second.definition["data"] == {"opened": "2027-03-01", "answer": "yes"}
    assert "app" not in second.definition
    assert third.definition["schedule"] == {"type": "cron", "expression": "0 * * * *"}


@pytest.mark.parametrize(("text", "apps"), [("app: a\njobs: []", ("a",)), ("jobs: []", ())])
def test_a_file_may_hold_no_job_and_still_speak_of_an_app(text: str, apps: tuple[str, ...]) -> None:
    assert declared.read(text, "jobs.yaml") == declared.Declaration(apps, ())


@pytest.mark.parametrize(
    ("text", "line", "words"),
    [
        ("", 1, "must be an object"),
        ("- a", 1, "must be an object"),
        ("app: a", 1, "jobs must be a list"),
        ("app: a\njobs: {}", 2, "jobs must be a list"),
        ("app: a\njob: []\njobs: []", 2, "'job' is not known here"),
        ("app: a\njobs:\n  - 5", 3, "must be an object"),
        ("app: a\njobs:\n  - task_type: t", 3, "no name"),
        ("app: a\njobs:\n  - name: 5", 3, "no name"),
        (f"jobs:\n  - {GOOD}", 2, "job a: has no app"),
        ("app: a\njobs:\n  - name: b\n    shedule: {}", 4, "job b: 'shedule' is not known here"),
        ("app: a\njobs:\n  - name: b\n    app_name: c", 4, "'app_name' is not known here; it may hold app, name"),
        ("app: a\njobs:\n  - name: b\n    user_id: 1", 3, "account_id and task_type and schedule must be given"),
        (f"app: a\njobs:\n  - {GOOD}\n  - {GOOD}", 4, "stands on line 3 already"),
        (f"app: a\njobs: [{GOOD}, {GOOD}]", 2, "stands on line 2 already"),
        (f"app: a\njobs:\n  - {GOOD}\n  - {GOOD.replace('a,', 'A,')}", 4, "line 3 already, as a of a: spellings"),
        (f"app: a\njobs:\n  - {GOOD}\n  - {GOOD.replace('a,', 'a, app: A,')}", 4, "line 3 already, as a of a"),
        (f"app: a\njobs:\n  - {GOOD.replace('t,', 't, data: {a: 1, a: 2},')}", 3, "'a' is given twice"),
    ],
)
def test_what_is_no_file_of_jobs_is_refused_naming_the_line(text: str, line: int, words: str) -> None:
    with pytest.raises(WrongFile) as refused:
        declared.read(text, "jobs.yaml")
    assert str(refused.value).startswith(f"jobs.yaml, line {line}: ")
    assert words in str(refused.value)
