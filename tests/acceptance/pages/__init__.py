"""Walks through the dashboard in a real browser, against the real processes, behind the path prefix of a proxy."""
