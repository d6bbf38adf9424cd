"""Runs whose receiver answered 202, and what it reports of them later."""
