"""Secrets: sealed with SECRET_KEYS where they are stored, opened where they are used, never shown."""
