"""The body of a request: filled from values, and bounded in the work it makes and in what it grows to."""

from __future__ import annotations

import time
import tracemalloc
from typing import Any

import pytest

from core.errors import PermanentFailure
from services.email.templates import InvalidTemplate
from services.task_types import filling
from services.task_types.filling import LONGEST_BYTES, MAX_TEMPLATES


def filled(body: Any, **data: Any) -> bytes:
    made = filling.content(body, {"data": data})
    assert made is not None
    return made.data


@pytest.mark.parametrize(
    ("body", "sent"),
    [
        ({"a": "{{data.items.0}}"}, b'{"a":"tea"}'),
        ({"a": "one {{data.items.0}}"}, b'{"a":"one tea"}'),
        ({"a": "{{data.items}}"}, b'{"a":["tea",2]}'),
        (["{{data.items.1}}", "{ {{data.items.1}}"], b'[2,"{ 2"]'),
        ("{{data.items}}", b'["tea",2]'),
        ("MSH|a\rPID|{{data.items.1}}\r\n", b"MSH|a\rPID|2\r\n"),
        ({"a": "{# {{data.items.1}} #}{% if x %}\n"}, b'{"a":"{# 2 #}{% if x %}\\n"}'),
        ({"a": "{% raw %}{{ alone"}, b'{"a":"{% raw %}{{ alone"}'),
        (["{1}\r\n"] * 2, b'["{1}\\r\\n","{1}\\r\\n"]'),
    ],
)
def test_values_are_found_alike_alone_and_within_a_text(body: Any, sent: bytes) -> None:
    filling.check(body)
    assert filled(body, items=["tea", 2]) == sent


@pytest.mark.parametrize("path", ["data.items.2", "data.items.x", "data.items.-1", "data.items." + "1" * 5_000])
def test_a_value_that_is_not_there_is_a_failure_for_good(path: str) -> None:
    with pytest.raises(PermanentFailure):
        filled([f"{{{{{path}}}}}"], items=["tea", 2])


@pytest.mark.parametrize("text", ["{{data.x}}", "{{data.x}}!"])
def test_a_value_put_into_many_places_does_not_fill_the_memory(text: str) -> None:
    tracemalloc.start()
    try:
        with pytest.raises(PermanentFailure, match=f"beyond {LONGEST_BYTES} bytes"):
            filled([text] * 2_000, x="y" * 100_000)
        peak = tracemalloc.get_traced_memory()[1]
    finally:
        tracemalloc.stop()
    assert peak < 10 * LONGEST_BYTES


def test_different_templates_together_make_no_more_than_one_body() -> None:
    texts = [f"{place} {{{{data.x}}}}" for place in range(MAX_TEMPLATES)]
    with pytest.raises(PermanentFailure, match=f"beyond {LONGEST_BYTES} bytes"):
        filled(texts, x="y" * 100_000)


def test_a_text_in_many_places_is_one_template() -> None:
    filling.check(["Dear {{data.name}}"] * 10_000)


def test_single_values_and_texts_with_plain_braces_are_no_templates() -> None:
    filling.check([f"{{{{data.x{place}}}}}" for place in range(10_000)] + [f"{{{place}}}" for place in range(10_000)])


def test_many_templates_are_refused_before_they_cost_anything() -> None:
    body = [f"{place} {{{{data.x}}}}" for place in range(50_000)]
    began = time.process_time()
    with pytest.raises(InvalidTemplate, match="50000 different templates, more than 50"):
        filling.check(body)
    assert time.process_time() - began < 1


def test_long_templates_are_refused_together() -> None:
    with pytest.raises(InvalidTemplate, match="more than 100000 characters together"):
        filling.check([f"{place} {{{{data.x}}}}" + " " * 60_000 for place in range(2)])
