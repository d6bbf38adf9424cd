"""YAML as the JSON value that it stands for.

Only what JSON knows: text that looks like a date or a time of day stays text, words like `yes` stay words, numbers are
decimal. A key given twice is refused. What `core/yaml_writing.py` writes is read here as the same value.
"""

from __future__ import annotations

import re
from typing import Any

import yaml

from client.errors import WrongFile
from core import json_text
from core.errors import InvalidInput

_TAG = "tag:yaml.org,2002:"
_MERGE = f"{_TAG}merge"
_KNOWN = {f"{_TAG}{name}" for name in ("map", "seq", "str", "int", "float", "bool", "null", "merge")}


class _Loader(yaml.SafeLoader):
    """Reads fewer plain words as something else than text; PyYAML's own reading (YAML 1.1) knows more of them."""


_Loader.yaml_implicit_resolvers = {}
for _name, _pattern, _first in (
    ("bool", r"true|True|TRUE|false|False|FALSE", "tTfF"),
    ("int", r"[-+]?(0|[1-9][0-9]*)", "-+0123456789"),
    ("float", r"([-+]?[0-9]+\.[0-9]*|\.[0-9]+)([eE][-+][0-9]+)?", "-+.0123456789"),
    ("null", r"~|null|Null|NULL|", ["~", "n", "N", ""]),
    ("merge", r"<<", "<"),
):
    _Loader.add_implicit_resolver(f"{_TAG}{_name}", re.compile(f"^(?:{_pattern})$"), list(_first))


def read(text: str, source: str) -> tuple[Any, yaml.Node | None]:
    """Returns the value of a YAML text, and its nodes, which know their lines. Raises `WrongFile`."""
    try:
        loader = _Loader(text)
        node = loader.get_single_node()
        if node is None:
            return None, None
        _check(node, source, ())
        return json_text.checked(loader.construct_document(node)), node
    except yaml.MarkedYAMLError as error:
        where = error.problem_mark or error.context_mark
        raise WrongFile(source, where.line + 1 if where else 1, f"{error.problem or error.context}.") from None
    except InvalidInput as refusal:
        first = refusal.fields[0]
        raise WrongFile(source, _line_at(node, first.field), f"{first.field} {first.message}") from None
    except (yaml.YAMLError, ValueError, RecursionError) as error:
        raise WrongFile(source, 1, f"is not YAML: {' '.join(str(error).split())}.") from None


def line_of(node: yaml.Node) -> int:
    """Returns the line of a node, counted from 1."""
    return int(node.start_mark.line) + 1


def member(node: yaml.Node | None, key: str) -> yaml.Node | None:
    """Returns the node of an object's member."""
    if not isinstance(node, yaml.MappingNode):
        return None
    return next((value for name, value in node.value if name.value == key), None)


def _line_at(node: yaml.Node | None, path: str) -> int:
    """Returns the line of the node at a path, or of the last node found on the way."""
    line = 1
    for name in path.split("."):
        listed = isinstance(node, yaml.SequenceNode) and name.isdecimal()
        node = node.value[int(name)] if node is not None and listed else member(node, name)
        if node is None:
            break
        line = line_of(node)
    return line


def _check(node: yaml.Node, source: str, within: tuple[int, ...]) -> None:
    if id(node) in within:
        raise WrongFile(source, line_of(node), "what stands here contains itself.")
    if node.tag not in _KNOWN:
        raise WrongFile(
            source, line_of(node), f"{node.tag.removeprefix(_TAG)!r} is nothing that JSON knows; write text."
        )
    inside = (*within, id(node))
    if isinstance(node, yaml.SequenceNode):
        for one in node.value:
            _check(one, source, inside)
    if isinstance(node, yaml.MappingNode):
        _check_keys(node, source)
        for _, one in node.value:
            _check(one, source, inside)


def _check_keys(node: yaml.MappingNode, source: str) -> None:
    seen: set[str] = set()
    for key, _ in node.value:
        if key.tag not in (f"{_TAG}str", _MERGE):
            raise WrongFile(source, line_of(key), f"the key {_shown(key)} is not text; put it in quotes.")
        if key.value in seen:
            raise WrongFile(source, line_of(key), f"{key.value!r} is given twice; give it once.")
        seen.add(key.value)


def _shown(key: yaml.Node) -> str:
    return str(key.value) if isinstance(key, yaml.ScalarNode) else "here"
