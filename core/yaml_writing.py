"""Writes JSON values as YAML, so that a reader such as `client/yaml_text.py` gets the same values."""

from __future__ import annotations

from typing import Any

import yaml

_TAG = "tag:yaml.org,2002:str"
_LINE_ENDS = frozenset("\x85\u2028\u2029\ufeff")


class _Dumper(yaml.SafeDumper):
    """Quotes characters that PyYAML would otherwise write as line ends."""

    def represent_text(self, text: str) -> yaml.ScalarNode:
        style = '"' if _LINE_ENDS.intersection(text) else None
        return self.represent_scalar(_TAG, text, style)


_Dumper.add_representer(str, _Dumper.represent_text)


def write(value: Any) -> str:
    """Returns the YAML text of a JSON value."""
    return yaml.dump(value, Dumper=_Dumper, sort_keys=False, allow_unicode=True, width=100)
