"""Fingerprints of JSON values: equal values have equal ones, and others differ."""

from __future__ import annotations

import hashlib
import json
from typing import Any


def of(value: Any) -> str:
    """Returns a hash of a JSON value; neither spaces nor the order of members matter."""
    canonical = json.dumps(value, sort_keys=True, separators=(",", ":"))
    return hashlib.sha256(canonical.encode()).hexdigest()
