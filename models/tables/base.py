"""The base of all tables."""

from __future__ import annotations

import peewee

db = peewee.DatabaseProxy()


class Table(peewee.Model):
    """The base of every table: all share one database."""

    class Meta:
        database = db
        legacy_table_names = False
