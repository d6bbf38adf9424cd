"""One action on many jobs or runs of a list: those that are ticked, or all that fit; tried first, then carried out."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Protocol
from urllib.parse import urlencode
from uuid import UUID

from falcon.asgi import Request, Response

from core.errors import InvalidInput
from core.principals import Principal
from pages import words
from pages.asked import Asked
from pages.forms import Form
from pages.site import Site
from services.jobs.bulk_actions import Outcome

MOST = 1_000
"""How many are acted on at a time: a page is to answer soon, and the next one goes on with the rest."""
_CHOSEN, _ALL = "chosen", "all"


@dataclass(frozen=True)
class Choice:
    """What is to be done, and with which: those of these ids, or all that fit the filter, after one of them."""

    action: str
    filter: Mapping[str, str]
    ids: tuple[UUID, ...] | None
    after: UUID | None

    @property
    def selecting(self) -> Mapping[str, str]:
        """Returns the filter as far as it selects: what is ticked is meant, whatever has become of it meanwhile."""
        return self.filter if self.ids is None else {}

    def fields(self) -> dict[str, str]:
        """Returns the fields of a form that says the same."""
        given = {"action": self.action, "which": _ALL if self.ids is None else _CHOSEN, **self.filter}
        if self.ids is not None:
            given["ids"] = " ".join(map(str, self.ids))
        return given if self.after is None else {**given, "after": str(self.after)}


class Act(Protocol):
    """Acts on what is chosen, or tries to, for a reason."""

    def __call__(self, who: Principal, choice: Choice, /, *, dry_run: bool, reason: str | None) -> Outcome: ...


@dataclass(frozen=True)
class Kind:
    """What a list is of: its path, its filters, what can be done with many, and how that is carried out."""

    path: str
    filters: tuple[str, ...]
    actions: Mapping[str, str]
    nouns: tuple[str, str]
    act: Act


class BulkPage:
    """`/dashboard/jobs/actions` and `/dashboard/runs/actions`."""

    def __init__(self, site: Site, kind: Kind) -> None:
        self._site = site
        self._kind = kind

    async def ask(self, req: Request, resp: Response) -> None:
        """Show what an action would do, by a dry run."""
        await self._site.show(req, resp, "bulk.html", self._try)

    async def act(self, req: Request, resp: Response) -> None:
        """Carry an action out; lead back to the list, or on to the rest."""
        await self._site.act(req, resp, self._act)

    def _try(self, who: Asked) -> dict[str, Any]:
        choice = self._choice(who.params, who.chosen)
        outcome = self._kind.act(who.principal, choice, dry_run=True, reason=None)
        return {
            "kind": self._kind,
            "choice": choice,
            "outcome": outcome,
            "rest": self._rest(choice, outcome),
            "label": self._kind.actions[choice.action],
            "takes_reason": choice.action not in words.WITHOUT_REASON,
            "back": self._list(choice),
        }

    def _act(self, who: Asked, form: Form) -> str:
        choice = self._choice(form, ())
        outcome = self._kind.act(who.principal, choice, dry_run=False, reason=self._site.reason(form))
        done = words.done_with_many(choice.action, outcome.changed, outcome.matched - outcome.changed)
        return self._rest(choice, outcome, done=done) or self._list(choice, done=done)

    def _rest(self, choice: Choice, outcome: Outcome, **more: str) -> str | None:
        """Returns the path that goes on after those that were tried or acted on, if more may fit."""
        if outcome.last is None:
            return None
        rest = Choice(choice.action, choice.filter, choice.ids, outcome.last)
        return f"{self._kind.path}/actions?{urlencode({**rest.fields(), **more})}"

    def _choice(self, given: Mapping[str, str], ids: tuple[str, ...]) -> Choice:
        action = given.get("action", "")
        if action not in self._kind.actions:
            raise InvalidInput.at("action", f"must be one of {', '.join(self._kind.actions)}.")
        wanted = {name: given[name] for name in self._kind.filters if given.get(name)}
        after = _id("after", given["after"]) if given.get("after") else None
        if given.get("which") == _ALL:
            return Choice(action, wanted, None, after)
        chosen = [*ids, *given.get("ids", "").split()]
        if not chosen:
            raise InvalidInput.at("id", f"is missing: tick the {self._kind.nouns[1]}, or choose all that fit.")
        if len(chosen) > MOST:
            raise InvalidInput.at("id", f"is given more than {MOST} times; tick fewer, or choose all that fit.")
        return Choice(action, wanted, tuple(dict.fromkeys(_id("id", one) for one in chosen)), after)

    def _list(self, choice: Choice, done: str = "") -> str:
        shown = {name: value for name, value in choice.filter.items() if name != "failure"}
        params = {**shown, "done": done} if done else shown
        return f"{self._kind.path}?{urlencode(params)}" if params else self._kind.path


def _id(name: str, text: str) -> UUID:
    try:
        return UUID(text)
    except ValueError:
        raise InvalidInput.at(name, f"{text!a} is not an id; begin at the list.") from None
