"""The API as callers meet it, over SQLite: what section 000 promises, what is refused, and who may come in."""
