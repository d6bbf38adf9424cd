"""What differs between two objects is told member by member, and never cut."""

from __future__ import annotations

from pages import changes


def test_within_objects_each_value_that_differs_is_told_by_its_path() -> None:
    before = {"schedule": {"type": "cron", "expression": "*/5 * * * *", "jitter_seconds": None}, "priority": 3}
    after = {"schedule": {"type": "cron", "expression": "*/4 * * * *", "timezone": "Europe/Berlin"}, "priority": 5}
    assert changes.between(before, after) == [
        "schedule.expression: */5 * * * * → */4 * * * *",
        "schedule.jitter_seconds: null → none",
        "schedule.timezone: none → Europe/Berlin",
        "priority: 3 → 5",
    ]


def test_of_long_texts_what_differs_stands_there_whole() -> None:
    start, end = "a" * 500, "z" * 500
    [line] = changes.between({"data": {"text": f"{start}{'b' * 200}{end}"}}, {"data": {"text": f"{start}c{end}"}})
    assert line == f"data.text: …{'a' * 24}{'b' * 200}{'z' * 24}… → …{'a' * 24}c{'z' * 24}…"
    [line] = changes.between({"data": {"text": start}}, {"data": {"text": start * 2}})
    assert line == f"data.text: …{'a' * 24} → …{'a' * 524}"


def test_what_looks_the_same_stands_there_too_since_masked_values_do() -> None:
    assert changes.between({"data": {"token": "***"}}, {"data": {"token": "***"}}) == [
        'data: {"token": "***"} → {"token": "***"}'
    ]
    assert changes.between({}, {"run_id": "1"}) == ["run_id: 1"]
