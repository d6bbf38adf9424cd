"""Jobs by one member of their metadata, at its top: equality with a text, a number, true, false or null.

There is no index. Few lists ask for it, and an index of all members (GIN) costs each create of a job that has metadata:
on PostgreSQL 40 microseconds for four members, measured where the row itself takes 14. So the jobs that the other
filters leave (those of an app, by its index) are read one by one, and metadata is parsed only if it has the key and the
value anywhere in its text: about 145 ms for 100,000 jobs with metadata on busy cores, in place of 670. Matches are
found before they are sorted, as those of a search are (`searching.page_of_few`): a page of few reads the jobs once, and
one of many is full soon.

What is not JSON matches nothing, so that no row breaks a list.
"""

from __future__ import annotations

import functools
import operator
from typing import Any

import peewee

from core.job_metadata import Member
from models.database import is_sqlite
from models.fields import json_text
from models.tables import Job

_NAME, _TYPE, _ATOM = (peewee.SQL(f"member.{name}") for name in ("key", "type", "atom"))


def has(member: Member) -> Any:
    """Returns the condition under which a job's metadata has this member."""
    texts = [json_text(one) for one in member.values()]
    mentioned = min(texts, key=len).strip('"')  # what a number is written as stands in its text, too
    may_hold = _mentions(json_text(member.name)) & _mentions(mentioned)
    holds = _holds_on_sqlite(member) if is_sqlite() else _holds(member, texts)
    return peewee.Case(None, [(may_hold, holds)], peewee.SQL("FALSE"))  # parts of AND have no order


def _mentions(text: str) -> Any:
    find = peewee.fn.INSTR if is_sqlite() else peewee.fn.STRPOS
    return find(Job.metadata, text) > 0


def _holds(member: Member, texts: list[str]) -> Any:
    members = [_value(f"{{{json_text(member.name)}:{text}}}").cast("JSONB") for text in texts]
    return functools.reduce(operator.or_, (peewee.fn.carillon_json_contains_v1(Job.metadata, one) for one in members))


def _holds_on_sqlite(member: Member) -> Any:
    same = functools.reduce(operator.or_, map(_is, member.values()))
    each = (peewee.SQL("EXISTS (SELECT 1 FROM JSON_EACH(CASE WHEN"), peewee.fn.JSON_VALID(Job.metadata))
    of_name = (peewee.SQL("THEN"), Job.metadata, peewee.SQL("END) AS member WHERE"), _value(member.name) == _NAME)
    return peewee.NodeList((*each, *of_name, peewee.SQL("AND"), same, peewee.SQL(")")))


def _is(value: Any) -> Any:
    """The condition under which SQLite's JSON_EACH gives this value; it has 1 for true, with a type of its own."""
    match value:
        case str():
            return _value(value) == _ATOM
        case None | bool():
            return json_text(value) == _TYPE
        case _:
            return _TYPE.in_(("integer", "real")) & (_value(value) == _ATOM)


def _value(value: Any) -> Any:
    return peewee.Value(value, converter=False)
