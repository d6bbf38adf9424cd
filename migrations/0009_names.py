"""Names have one key for all their spellings: case, composed or decomposed, full width, what is not to be seen.

Most names are ASCII and get their keys within one statement; the others one by one. Where two names that were there
before are the same by their keys, the first keeps the key, and the others get one of their own spelling (`core.names`):
they stay what they are, and nobody else can take such a name again.
"""

from __future__ import annotations

from typing import Any

import peewee

from core import names

POSTGRESQL = {
    "c": 'COLLATE "C"',
    "mark": "%s",
    "beyond_ascii": "octet_length(convert_to({0}, 'UTF8')) <> char_length({0})",
}
SQLITE = {"c": "", "mark": "?", "beyond_ascii": "length(CAST({0} AS BLOB)) <> length({0})"}

COLUMNS = (
    "ALTER TABLE apps ADD COLUMN name_key TEXT NOT NULL DEFAULT ''",
    "ALTER TABLE users ADD COLUMN username_key TEXT NOT NULL DEFAULT ''",
    "ALTER TABLE jobs ADD COLUMN name_key TEXT",
    # What a search looks through: name and title, folded, in two lines.
    "ALTER TABLE jobs ADD COLUMN search_text TEXT NOT NULL DEFAULT ''",
    "UPDATE apps SET name_key = LOWER(name {c})",
    "UPDATE users SET username_key = LOWER(username {c})",
    """
    UPDATE jobs SET name_key = LOWER(name {c}),
        search_text = LOWER(COALESCE(name, '') {c}) || {mark} || LOWER(COALESCE(title, '') {c})
        WHERE name IS NOT NULL OR title IS NOT NULL
    """,
)

# What `lower()` cannot fold: where to look for it, how it is read, and how its keys are written.
OTHERS = (
    ("name", "SELECT id, name FROM apps", "UPDATE apps SET name_key = {mark} WHERE id = {mark}"),
    ("username", "SELECT id, username FROM users", "UPDATE users SET username_key = {mark} WHERE id = {mark}"),
    (
        "(COALESCE(name, '') || COALESCE(title, ''))",
        "SELECT id, name, title FROM jobs",
        "UPDATE jobs SET name_key = {mark}, search_text = {mark} WHERE id = {mark}",
    ),
)

TOLD_APART = (
    """
    UPDATE apps SET name_key = name_key || {mark} || name WHERE id IN (SELECT id FROM (
        SELECT id, ROW_NUMBER() OVER (
            PARTITION BY name_key ORDER BY CASE WHEN name = name_key THEN 0 ELSE 1 END, id) AS place
        FROM apps) AS placed WHERE place > 1)
    """,
    # What only looked like the app of a source system stays another.
    """
    UPDATE apps SET name_key = name_key || {mark} || name
        WHERE name_key IN ('default', 'tasks', 'scheduler', 'jobs') AND name <> name_key
    """,
    """
    UPDATE users SET username_key = username_key || {mark} || username WHERE id IN (SELECT id FROM (
        SELECT id, ROW_NUMBER() OVER (PARTITION BY username_key ORDER BY created_at, id) AS place
        FROM users) AS placed WHERE place > 1)
    """,
    """
    UPDATE jobs SET name_key = name_key || {mark} || name WHERE id IN (SELECT id FROM (
        SELECT id, ROW_NUMBER() OVER (PARTITION BY app_id, name_key ORDER BY id) AS place
        FROM jobs WHERE name IS NOT NULL AND deleted_at IS NULL) AS placed WHERE place > 1)
    """,
)

INDEXES = (
    "CREATE UNIQUE INDEX apps_name_key_once ON apps (name_key)",
    "DROP INDEX users_username_once",
    "CREATE UNIQUE INDEX users_username_once ON users (username_key)",
    "DROP INDEX jobs_name_once",
    "CREATE UNIQUE INDEX jobs_name_once ON jobs (app_id, name_key) WHERE name_key IS NOT NULL AND deleted_at IS NULL",
)


def up(_migrator: Any, database: Any) -> None:
    """Add the keys, fill them, and let them be unique in place of the names."""
    words = SQLITE if isinstance(database, peewee.SqliteDatabase) else POSTGRESQL
    for statement in COLUMNS:
        database.execute_sql(statement.format(**words), ("\n",) if "{mark}" in statement else None)
    for text, select, update in OTHERS:
        found = database.execute_sql(f"{select} WHERE {words['beyond_ascii'].format(text)}").fetchall()
        for row_id, *given in found:
            database.execute_sql(update.format(**words), (*_keys(*given), row_id))
    for statement in TOLD_APART:
        database.execute_sql(statement.format(**words), (names.old_key("", ""),))
    for statement in INDEXES:
        database.execute_sql(statement)


def _keys(name: str | None, *title: str | None) -> tuple[str | None, ...]:
    """The key of a name; of a job, which has a title too, also what a search looks through."""
    key = None if name is None else names.folded(name)
    return (key, names.searched(name, *title)) if title else (key,)
