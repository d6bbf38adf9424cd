"""Tests of the pages, over SQLite and inside the process."""
