"""Repeatable measurements. Each prints a table; run them on an otherwise idle machine."""
