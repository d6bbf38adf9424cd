"""A job's past occurrences: what became of each, and what a backfill made up for."""
