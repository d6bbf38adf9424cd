"""Accounts: the kinds of tokens that identify a user, the kinds of links, and who may register."""

from __future__ import annotations

from enum import StrEnum

SESSION_COOKIE = "carillon_session"
"""The cookie by which a browser shows its session."""

TOKEN_MARK = "carillon_"  # noqa: S105  opens nothing
"""How tokens of users and links begin; secret scanners recognise a leaked one by it."""


class TokenKind(StrEnum):
    """A token of the API, or the session of a browser."""

    TOKEN = "token"  # noqa: S105  the name of a kind
    SESSION = "session"


class LinkPurpose(StrEnum):
    """What a link opens, once."""

    RESET = "reset"  # set a new password
    INVITATION = "invitation"  # register where registration is by invitation
    ADMINISTRATOR = "administrator"  # register as an administrator


class Registration(StrEnum):
    """Who may register, besides callers who show the secret."""

    OPEN = "open"
    INVITE = "invite"
    CLOSED = "closed"
