"""Requests as such, whatever they ask for: each is carried out once under its Idempotency-Key."""
