"""Priorities of runs: from 0 to 9, the highest first, and their names."""

from __future__ import annotations

DEFAULT_PRIORITY = 5
HIGHEST_PRIORITY = 9
PRIORITY_WORDS = {"high": 8, "medium": 5, "low": 2}
