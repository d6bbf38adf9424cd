"""Templates: filled from plain values, and bounded in what they can do."""

from __future__ import annotations

import time
from typing import Any

import pytest
from jinja2 import nodes

from core.errors import PermanentFailure
from services.email import templates
from services.email.templates import InvalidTemplate


@pytest.mark.parametrize(
    ("template", "values", "filled"),
    [
        ("Hello", {}, "Hello"),
        ("Hello {{name}}\n", {"name": "Ada"}, "Hello Ada\n"),
        ("{{ order.lines[0].name | upper }}", {"order": {"lines": [{"name": "tea"}]}}, "TEA"),
        ("{{ name | default('friend') }}", {}, "friend"),
        ("{% if vip %}Dear{% else %}Hi{% endif %}", {"vip": True}, "Dear"),
        ("{% if vip is defined %}Dear{% else %}Hi{% endif %}", {}, "Hi"),
        ("<{{name}}>", {"name": "<b>"}, "<<b>>"),
        ("{ not a template }", {}, "{ not a template }"),
        ("{{ items }}", {"items": 3}, "3"),
        ("{{ a }} {{ b }} {{ c }}", {"a": {"ü": [1.5, None]}, "b": True, "c": None}, '{"ü": [1.5, null]} true null'),
    ],
)
def test_values_take_the_place_of_their_names(template: str, values: dict[str, Any], filled: str) -> None:
    templates.check(template)
    assert templates.fill("body", template, values) == filled


@pytest.mark.parametrize(
    "text",
    [
        "<style>@media(max-width:480px){#outlook a{padding:0}}</style>",
        "Sale {# 50% off #} today",
        "{#id",
        "100 {% off %} {%raw%} {% raw %} {% for x in y %}{% endfor %} {% set x = 1 %} {% include 'x' %} {% ifx %}",
        "}} {, }, %}, #}, { {, } }, {%, {{",
        "{% if",
        "{{ name }",
        "a\rb\nc\r\nd\n\r\n\n",
        "\x0b\x0c\x85\u2028\ufeff\u200d",
    ],
)
def test_what_is_no_syntax_is_text_to_the_letter_alone_and_beside_a_value(text: str) -> None:
    for template, filled in ((text, text), (f"{{{{name}}}}{text}{{{{name}}}}\n", f"Ada{text}Ada\n")):
        templates.check(template)
        assert templates.fill("body", template, {"name": "Ada"}) == filled
        assert templates.fill("html", template, {"name": "Ada"}, html=True) == filled


@pytest.mark.parametrize(
    ("template", "filled"),
    [
        ("{{ a {{name}} }}", "{{ a Ada }}"),
        ("{{{name}}}", "{Ada}"),
        ("{{ '{{name}}' }}", "{{name}}"),
        ("{{ '}}' }}", "}}"),
        ("{{ x | default('a\r\nb\r') }}", "a\r\nb\r"),
        ("{{\r\nname\n}}", "Ada"),
        ("{% if name %}A\r\n{% elif x %}{% else %}B{% endif %}\r\n", "A\r\n\r\n"),
        ("{% if '%}' in name %}{% endif %}{# {{name}} #}", "{# Ada #}"),
    ],
)
def test_syntax_is_what_stands_in_the_innermost_braces_but_for_strings(template: str, filled: str) -> None:
    templates.check(template)
    assert templates.fill("body", template, {"name": "Ada"}) == filled


def test_where_blocks_are_not_known_they_are_text() -> None:
    text = "{% if x %}{{name}}{% endif %}{% if %}"
    templates.check(text, blocks=False)
    assert templates.fill("body", text, {"name": "Ada"}, blocks=False) == "{% if x %}Ada{% endif %}{% if %}"


@pytest.mark.parametrize("piece", ["{{", "{% if ", "{{'", "{{ '\"", "\\'{{", "{{ 'a' ", "{{ \"'{{ "])
def test_braces_without_an_end_cost_little(piece: str) -> None:
    began = time.process_time()
    templates.check(piece * 100_000)
    assert time.process_time() - began < 5


def test_values_are_escaped_where_they_go_into_html() -> None:
    assert templates.fill("html", "<p>{{name}}</p>", {"name": "<b>"}, html=True) == "<p>&lt;b&gt;</p>"
    assert templates.fill("html", "<p>{{names}}</p>", {"names": ["<b>"]}, html=True) == "<p>[&#34;&lt;b&gt;&#34;]</p>"


@pytest.mark.parametrize("template", ["Dear {{name}}", "Dear {{ person.name }}", "{{ person['name'] }}"])
def test_a_variable_without_a_value_is_named(template: str) -> None:
    with pytest.raises(PermanentFailure, match=r"The template body cannot be filled: .*'name'"):
        templates.fill("body", template, {"person": {}})


@pytest.mark.parametrize(
    ("template", "says"),
    [
        ("\n\r\n{{}}", "cannot be read in line 3"),
        ("{{ it's }} and {{name}}", "cannot be read in line 1"),
        ("{{ name + }}", "cannot be read in line 1"),
        ("{{% note %}}", "cannot be read in line 1"),
        ("{{- name }}", "control of white space"),
        ("a {%- if a %}{% endif %}", "control of white space"),
        ("{% if %}{% endif %}", "cannot be read in line 1"),
        ("{% if a %}", "cannot be read in line 1"),
        ("{% endif %}", "cannot be read in line 1"),
        ("{{ '\\x00' }}", "holds NUL or half a surrogate pair"),
        ("{{ x | default('\\ud800') }}", "holds NUL or half a surrogate pair"),
        ("{{ f() }}", "has a call"),
        ("{{ 9 ** 9 }}", "has a pow"),
        ("{{ 'x' * 9 }}", "has a mul"),
        ("{{ [1] }}", "has a list"),
        ("{{ x | center(999999999) }}", "the filter 'center'"),
        ("{{ x is callable }}", "the test 'callable'"),
        ("{% if a %}" * 200 + "{% endif %}" * 200, "nests too deeply"),
        ("{{" + "(" * 240 + "a" + ")" * 240 + "}}", "nests too deeply"),
        ("{{a}}" * 2_001, "more than 2000 parts"),
        ("a" * 100_001 + "{{a}}", "longer than 100000 characters"),
        ("{{ x" + " | upper" * 51 + " }}", "more than 50 filters and comparisons"),
        ("{% if a in x %}{% endif %}" * 51, "more than 50 filters and comparisons"),
    ],
)
def test_a_template_beyond_our_part_of_jinja_is_refused(template: str, says: str) -> None:
    with pytest.raises(InvalidTemplate, match=says):
        templates.check(template)
    with pytest.raises(PermanentFailure, match="The template subject"):
        templates.fill("subject", template, {"a": 1, "x": 1, "y": []})


@pytest.mark.parametrize("template", ["{{ x.__class__ }}", "{{ x.upper }}", "{{ x['format'] }}", "{{ d.keys }}"])
def test_no_value_shows_what_belongs_to_its_kind(template: str) -> None:
    with pytest.raises(PermanentFailure, match="has no attribute"):
        templates.fill("body", template, {"x": "text", "d": {}})


def test_what_a_template_makes_is_bounded() -> None:
    with pytest.raises(PermanentFailure, match="makes more than 1000000 characters"):
        templates.fill("body", "{{a}}" * 11, {"a": "x" * 100_000})


@pytest.mark.parametrize("template", ["{{ x | title }}", "{{ 'a' | trim(x) }}", "{{ x | e | lower }}"])
def test_a_filter_takes_a_short_value(template: str) -> None:
    templates.fill("body", template, {"x": "a" * 9_000})
    with pytest.raises(PermanentFailure, match="filters more than 10000 characters"):
        templates.fill("body", template, {"x": "a" * 10_001})


@pytest.mark.parametrize(("template", "count"), [("{% if count > 3 %}many{% endif %}", "5"), ("{{ 'a' in count }}", 5)])
def test_values_that_cannot_be_compared_are_named(template: str, count: object) -> None:
    with pytest.raises(PermanentFailure, match=r"The template body cannot be filled: .*'int'"):
        templates.fill("body", template, {"count": count})


@pytest.mark.parametrize("unit", [r"\{{", r"\{{'", "{{'{{\"", r"\{% if ", r"\{{ \'"])
@pytest.mark.parametrize("blocks", [True, False])
def test_openings_that_never_close_are_text_after_backslashes_and_within_quotes_too(unit: str, blocks: bool) -> None:
    assert not templates.has_syntax(unit * 100_000, blocks=blocks)


def test_escaped_quotes_outside_of_a_text_are_refused() -> None:
    with pytest.raises(InvalidTemplate):
        templates.check("{{ " + "\\'" * 49_000 + " }}")


@pytest.mark.parametrize("nested", [("{% if a %}", "x", "{% endif %}"), ("{{ ", "a", " }}", "not ")])
def test_whatever_nests_as_deep_as_is_taken_can_be_filled(nested: tuple[str, ...]) -> None:
    opening, inner, closing, *more = nested

    def template(depth: int) -> str:
        if more:
            return opening + more[0] * depth + inner + closing
        return opening * depth + inner + closing * depth

    deepest = next(depth for depth in range(1, 200) if not is_taken(template(depth + 1)))
    assert deepest > 50
    assert templates.fill("body", template(deepest), {"a": 1})


def is_taken(template: str) -> bool:
    try:
        templates.check(template)
    except InvalidTemplate:
        return False
    return True


def test_each_text_is_looked_at_once_within_a_block_its_faults_too(monkeypatch: pytest.MonkeyPatch) -> None:
    seen: list[str] = []
    parsed = templates._parsed

    def noted(environment: templates._OfPlainValues, text: str) -> nodes.Template:
        seen.append(text)
        return parsed(environment, text)

    monkeypatch.setattr(templates, "_parsed", noted)
    with templates.each_once(), templates.each_once():
        for _ in range(3):
            templates.check("{{a}}")
            assert not is_taken("{{ a + }}")
            templates.check("{{a}} {% if a %}", blocks=False)
    assert sorted(seen) == ["{{ a + }}", "{{a}}", "{{a}} {% if a %}"]
    templates.check("{{a}}")
    assert len(seen) == 4
