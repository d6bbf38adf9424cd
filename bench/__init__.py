"""Repeatable measurements. Each prints JSON lines; run them on an otherwise idle machine."""
