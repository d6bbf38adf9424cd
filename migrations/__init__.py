"""Numbered changes of the schema, forward only, the same files for PostgreSQL and SQLite."""
