"""Fills templates: `{{name}}` in a text, from the values that a caller gave.

A narrow part of Jinja2 in its sandbox: values with members and a few filters, and in e-mails `{% if %}`. No loops, no
arithmetic and no calls; filters and comparisons are counted, and filters take short values: so the work is bounded.
All else in a text stays text (`services.email.template_syntax`).
"""

from __future__ import annotations

import functools
import json
import re
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from contextvars import ContextVar
from typing import Any

import jinja2
from jinja2 import nodes
from jinja2.sandbox import SandboxedEnvironment

from core.errors import PermanentFailure
from services.email import template_syntax
from services.email.template_syntax import NarrowLexer

LONGEST = 100_000  # characters, of a template
LONGEST_IN_BRACES = 500  # characters, of one `{{...}}` or `{% if %}`, braces included
LONGEST_FILLED = 1_000_000
LONGEST_FOR_FILTER = 10_000
MAX_NODES = 2_000
DEEPEST = 80  # levels, fewer than Python compiles
MAX_OPERATIONS = 50  # filters and comparisons
_OF_TEXT = ("capitalize", "e", "escape", "lower", "title", "trim", "upper")
FILTERS = ("default", *_OF_TEXT)

_NOT_TEXT = re.compile(r"[\0\ud800-\udfff]")  # which an escape in a string can name

_ALLOWED = (
    nodes.Template,
    nodes.Output,
    nodes.TemplateData,
    nodes.Name,
    nodes.Const,
    nodes.Getattr,
    nodes.Getitem,
    nodes.Filter,
    nodes.If,
    nodes.CondExpr,
    nodes.Compare,
    nodes.Operand,
    nodes.And,
    nodes.Or,
    nodes.Not,
    nodes.Test,
)
_TESTS = ("defined", "undefined", "none", "true", "false")


_UNKNOWN = ""
_faults: ContextVar[dict[tuple[str, bool], str | None] | None] = ContextVar("faults", default=None)


class InvalidTemplate(ValueError):  # noqa: N818  says what is wrong
    """The template cannot be read; the message says what is wrong with it."""


def has_syntax(text: str, *, blocks: bool = True) -> bool:
    """Whether a text has anything to fill in; without `blocks`, `{% if %}` is text."""
    return template_syntax.has_syntax(text, blocks=blocks)


def check(template: str, *, blocks: bool = True) -> None:
    """Check that a text can be filled by some values. Raises `InvalidTemplate`.

    It is parsed and not compiled, which takes five times as long.
    """
    faults = _faults.get()
    fault = _fault_of(template, blocks) if faults is None else faults.get((template, blocks), _UNKNOWN)
    if faults is not None and fault is _UNKNOWN:
        fault = faults[template, blocks] = _fault_of(template, blocks)
    if fault is not None:
        raise InvalidTemplate(fault)


@contextmanager
def each_once() -> Iterator[None]:
    """Check each different text once within the block, or within the block around it."""
    if _faults.get() is not None:
        yield
        return
    token = _faults.set({})
    try:
        yield
    finally:
        _faults.reset(token)


def _fault_of(template: str, blocks: bool) -> str | None:
    try:
        if has_syntax(template, blocks=blocks):
            _parsed(_TEXT if blocks else _VALUES_ALONE, template)
    except InvalidTemplate as error:
        return str(error)
    return None


def fill(field: str, template: str, values: Mapping[str, Any], *, html: bool = False, blocks: bool = True) -> str:
    """Returns the text filled with its values, which are escaped in HTML.

    Raises `PermanentFailure` naming the field and the variable that has no value.
    """
    if not has_syntax(template, blocks=blocks):
        return template
    try:
        return _rendered(_compiled(template, html=html, blocks=blocks), values)
    except InvalidTemplate as error:
        raise PermanentFailure(f"The template {field} {error}") from error
    except jinja2.TemplateError as error:
        raise PermanentFailure(
            f"The template {field} cannot be filled: {error.message}. Give each variable in context, or write "
            "{{name | default('')}}."
        ) from error
    except (TypeError, ValueError) as error:
        raise PermanentFailure(f"The template {field} cannot be filled: {error}.") from error


class _OfPlainValues(SandboxedEnvironment):
    """Gives templates the members of objects and lists, never a value's own methods, and no other syntax than ours."""

    blocks = True

    @functools.cached_property
    def lexer(self) -> NarrowLexer:
        return NarrowLexer(self, blocks=self.blocks)

    def getitem(self, obj: Any, argument: Any) -> Any:
        try:
            return obj[argument] if isinstance(obj, dict | list) else self.undefined(obj=obj, name=argument)
        except (LookupError, TypeError):
            return self.undefined(obj=obj, name=argument)

    def getattr(self, obj: Any, attribute: str) -> Any:
        return self.getitem(obj, attribute)


def _as_json(value: Any) -> Any:
    """Returns objects, lists, booleans and null as JSON, which Python would print in its own way."""
    return json.dumps(value, ensure_ascii=False) if isinstance(value, dict | list | bool | None) else value


def _environment(*, html: bool = False, blocks: bool = True) -> _OfPlainValues:
    made = _OfPlainValues(autoescape=html, undefined=jinja2.StrictUndefined, finalize=_as_json)
    made.blocks = blocks
    made.globals.clear()
    made.filters = {name: made.filters[name] for name in FILTERS}
    made.filters |= {name: _of_short_text(made.filters[name]) for name in _OF_TEXT}
    made.tests = {name: made.tests[name] for name in _TESTS}
    return made


def _of_short_text(applied: Callable[..., str]) -> Callable[..., str]:
    def bounded(*given: Any) -> str:
        texts = [each if isinstance(each, str) else str(each) for each in given]
        if sum(map(len, texts)) > LONGEST_FOR_FILTER:
            raise InvalidTemplate(f"filters more than {LONGEST_FOR_FILTER} characters; give that value in final form.")
        return applied(*texts)

    return bounded


_TEXT = _environment()
_HTML = _environment(html=True)
_VALUES_ALONE = _environment(blocks=False)


@functools.lru_cache(maxsize=64)
def _compiled(template: str, *, html: bool, blocks: bool) -> jinja2.Template:
    """Returns a compiled template. The newest are cached: many jobs send the same text."""
    environment = _HTML if html else _TEXT if blocks else _VALUES_ALONE
    return environment.from_string(_parsed(environment, template))


def _parsed(environment: _OfPlainValues, template: str) -> nodes.Template:
    _refuse_too_long(template, blocks=environment.blocks)
    try:
        tree = environment.parse(template)
    except jinja2.TemplateSyntaxError as error:
        words = (error.message or "").rstrip(".")
        raise InvalidTemplate(f"cannot be read in line {error.lineno}: {words}.") from None
    except RecursionError:
        raise _too_deep() from None
    found = _nodes(tree)
    if len(found) > MAX_NODES:
        raise InvalidTemplate(f"has more than {MAX_NODES} parts; give the text in fewer values.")
    if sum(isinstance(node, nodes.Filter | nodes.Operand) for node in found) > MAX_OPERATIONS:
        raise InvalidTemplate(f"has more than {MAX_OPERATIONS} filters and comparisons; give values that need none.")
    for node in found:
        _refuse_beyond(node)
    return tree


def _refuse_too_long(template: str, *, blocks: bool) -> None:
    """Raises `InvalidTemplate` for what would take Jinja2 long to read, before it reads it."""
    if len(template) > LONGEST:
        raise InvalidTemplate(f"is longer than {LONGEST} characters; shorten it.")
    longest = max(template_syntax.pieces(template, blocks=blocks), key=len, default="")
    if len(longest) > LONGEST_IN_BRACES:
        raise InvalidTemplate(
            f"has {longest[:20]!r}... of {len(longest)} characters, and one pair of braces may hold "
            f"{LONGEST_IN_BRACES}; give what stands in it as a value of its own."
        )


def _nodes(tree: nodes.Template) -> list[nodes.Node]:
    """Returns all nodes of a template. Raises `InvalidTemplate` if it nests deeper than Python compiles."""
    found: list[nodes.Node] = []
    level: list[nodes.Node] = [tree]
    for _ in range(DEEPEST):
        found += level
        level = [child for node in level for child in node.iter_child_nodes()]
    if level:
        raise _too_deep()
    return found


def _too_deep() -> InvalidTemplate:
    return InvalidTemplate("nests too deeply; write it flat.")


def _refuse_beyond(node: nodes.Node) -> None:
    """Raises `InvalidTemplate` for all that is not in our part of Jinja2."""
    if not isinstance(node, _ALLOWED):
        kind = type(node).__name__.lower()
        raise InvalidTemplate(f"has a {kind} in line {node.lineno}; only {{{{name}}}} and {{% if %}} are known here.")
    if isinstance(node, nodes.Const) and isinstance(node.value, str) and _NOT_TEXT.search(node.value):
        raise InvalidTemplate(
            f"has a text in line {node.lineno} that holds NUL or half a surrogate pair; leave it out."
        )
    if isinstance(node, nodes.Filter) and node.name not in FILTERS:
        raise InvalidTemplate(f"has the filter {node.name!r}, which is none of {', '.join(FILTERS)}.")
    if isinstance(node, nodes.Test) and node.name not in _TESTS:
        raise InvalidTemplate(f"has the test {node.name!r}, which is none of {', '.join(_TESTS)}.")


def _rendered(template: jinja2.Template, values: Mapping[str, Any]) -> str:
    parts: list[str] = []
    length = 0
    for part in template.generate(dict(values)):
        length += len(part)
        if length > LONGEST_FILLED:
            raise InvalidTemplate(f"makes more than {LONGEST_FILLED} characters; give shorter values.")
        parts.append(part)
    return "".join(parts)
