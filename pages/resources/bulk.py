"""One action on many jobs or runs of a list: those that are ticked, or all that fit; tried first, then carried out."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import timedelta
from typing import Any
from urllib.parse import urlencode
from uuid import UUID

from falcon.asgi import Request, Response

from core import fingerprints, instants
from core.errors import InvalidInput
from core.principals import Principal
from core.states import RunStatus, Trigger
from pages import words
from pages.forms import REASON, UNTIL, Form
from pages.naming import called
from pages.page_request import Asked
from pages.resources.bulk_progress import NOT_BEGUN, Progress
from pages.route import see_other
from pages.site import Site
from services.jobs.bulk_actions import BulkOptions, BulkResult, JobAction, Refused, RunAction
from services.reading.views import JobView, RunView

MOST = 1_000
"""How many are acted on at a time: a page is to answer soon, and the next one goes on with the rest."""
SHOWN_REFUSED = 5
_CHOSEN, _ALL = "chosen", "all"
_OF_REPLAYS = ("app_name", "task_type", "account_id", "job_id")
"""Of a filter of runs, what fits their replays as well."""
_OF_FAILURES = ("failure", "host")
"""Of a filter of runs, what nothing fits any more once it is replayed or dismissed."""
_A_MILLISECOND = timedelta(milliseconds=1)


@dataclass(frozen=True)
class Choice:
    """What is to be done, and with which: those of these ids, or all that fit the filter, after one of them."""

    action: str
    filter: Mapping[str, str]
    ids: tuple[UUID, ...] | None
    after: UUID | None
    begun: str = ""
    """Since when it is carried out, if it goes on with the rest."""
    progress: Progress = NOT_BEGUN
    reason: str = ""
    until: str = ""
    """As typed when it was begun, for the rest."""

    @property
    def selecting(self) -> Mapping[str, str]:
        """Returns the filter as far as it selects: what is ticked is meant, whatever has become of it meanwhile."""
        return self.filter if self.ids is None else {}

    @property
    def replays_completed(self) -> bool:
        """Whether completed runs are meant to be replayed: those of a list that was asked for nothing else."""
        return self.action == RunAction.REPLAY and self.filter.get("status") == RunStatus.COMPLETED

    @property
    def key(self) -> str:
        """Returns the idempotency key of this step: the same on a page that is loaded again, or open twice."""
        return fingerprints.of(self.fields())

    def fields(self) -> dict[str, str]:
        """Returns the fields of a form that says the same."""
        given = {"action": self.action, "which": _ALL if self.ids is None else _CHOSEN, **self.filter}
        if self.ids is not None:
            given["ids"] = " ".join(map(str, self.ids))
        typed = {REASON: self.reason, UNTIL: self.until}
        more = {"after": str(self.after) if self.after else "", "begun": self.begun, **typed, **self.progress.fields()}
        return {**given, **{name: value for name, value in more.items() if value}}


@dataclass(frozen=True)
class Kind:
    """What a list is of: its path, its filters, what can be done with many, and how that is carried out."""

    path: str
    filters: tuple[str, ...]
    actions: Mapping[str, str]
    nouns: tuple[str, str]
    act: Callable[[Principal, Choice, BulkOptions], BulkResult]
    """Acts on what is chosen, or tries to."""
    count: Callable[[Principal, Choice], int | None]
    """Returns how many the action is for; None where that cannot be counted."""
    shown: Callable[[Principal, Sequence[UUID]], Sequence[RunView] | Sequence[JobView]]
    """Returns what the first ids of a dry run stand for."""
    being_replayed: Callable[[Principal, Choice], int] = lambda _who, _choice: 0
    """Returns how many of those that fit are not replayed since they are being replayed already."""


@dataclass(frozen=True)
class RefusedRow:
    """What an action is refused for: the sentence that says why, divided where it names the job or run."""

    id: UUID
    before: str
    name: str
    after: str


class BulkPage:
    """`/dashboard/jobs/actions` and `/dashboard/runs/actions`."""

    def __init__(self, site: Site, kind: Kind) -> None:
        self._site = site
        self._kind = kind

    async def ask(self, req: Request, resp: Response) -> None:
        """Show what an action would do, by a dry run; of one that is under way, how far it has come.

        Where nothing is ticked, lead back to the list, which says so.
        """
        who = self._site.asked(req)
        if who.params.get("which") == _CHOSEN and not (who.chosen or who.params.get("ids")):
            kept = {name: who.params[name] for name in self._kind.filters if who.params.get(name)}
            see_other(resp, self._site.url(f"{self._kind.path}?{urlencode({**kept, 'done': 'none_ticked'})}"))
            return
        if who.params.get("going"):
            await self._site.show(req, resp, "bulk_progress.html", self._under_way)
            return
        await self._site.show_dry_run(req, resp, "bulk.html", self._try)

    async def act(self, req: Request, resp: Response) -> None:
        """Carry an action out; lead back to the list, or on to the rest."""
        await self._site.act_on_many(req, resp, self._act)

    def _try(self, who: Asked) -> dict[str, Any]:
        choice = self._choice(who.params, who.chosen)
        result = self._kind.act(who.principal, choice, BulkOptions(dry_run=True, after=choice.after, limit=MOST))
        counted = self._counted(who.principal, choice, result)
        return {
            **self._shared(counted),
            "result": result,
            "first": self._kind.shown(who.principal, result.first),
            "refused": self._refused(who.principal, result.refused[:SHOWN_REFUSED]),
            "rest": None if result.changed else self._rest(counted, result),
            "being_replayed": 0 if result.matched else self._kind.being_replayed(who.principal, choice),
            "takes_reason": choice.action not in words.WITHOUT_REASON,
        }

    def _under_way(self, who: Asked) -> dict[str, Any]:
        return {**self._shared(self._choice(who.params, ())), "most": MOST}

    def _shared(self, choice: Choice) -> dict[str, Any]:
        label, back = self._kind.actions[choice.action], self._list(choice)
        return {"kind": self._kind, "choice": choice, "label": label, "back": back}

    def _counted(self, who: Principal, choice: Choice, result: BulkResult) -> Choice:
        """Returns the choice with how many the action is for, if they are more than one page acts on."""
        if result.last is None:
            return choice
        total = choice.progress.total or self._kind.count(who, choice)
        return replace(choice, progress=replace(choice.progress, total=total))

    def _refused(self, who: Principal, refused: Sequence[Refused]) -> list[RefusedRow]:
        """Returns what is refused with what it is called; what cannot be seen any more keeps its id."""
        known = {one.id: called(one) for one in self._kind.shown(who, [one.id for one in refused])}
        before = "of " if self._kind.nouns[0] == "run" else ""
        return [_row(one, before if one.id in known else "", known.get(one.id, str(one.id))) for one in refused]

    def _act(self, who: Asked, form: Form) -> str:
        choice = self._choice(form, ())
        result = self._kind.act(who.principal, choice, self._options(who, choice, form))
        begun = replace(choice, begun=choice.begun or instants.shown(who.now))
        return self._rest(begun, result) or self._done(begun, choice.progress.after(result))

    def _options(self, who: Asked, choice: Choice, form: Form) -> BulkOptions:
        until = self._site.until(who, form) if choice.action == JobAction.PAUSE else None
        reason = self._site.reason(form)
        return BulkOptions(dry_run=False, after=choice.after, limit=MOST, reason=reason, until=until)

    def _done(self, choice: Choice, progress: Progress) -> str:
        """Returns the path of the list; of the runs that it made, where the action replays some."""
        done = words.done_with_many(choice.action, progress.changed, progress.refused)
        if choice.action != RunAction.REPLAY or not progress.changed:
            return self._list(choice, done=done)
        kept = {name: value for name, value in choice.selecting.items() if name in _OF_REPLAYS}
        until = self._site.system.clock.now() + _A_MILLISECOND
        span = {"created_from": choice.begun, "created_before": instants.shown(until)}
        params = {"trigger": Trigger.RETRY.value, **kept, **span, "done": done}
        return f"{self._kind.path}?{urlencode(params)}"

    def _rest(self, choice: Choice, result: BulkResult) -> str | None:
        """Returns the path that goes on after those that were tried or acted on, if more may fit."""
        if result.last is None:
            return None
        rest = replace(choice, after=result.last, progress=choice.progress.after(result))
        return f"{self._kind.path}/actions?{urlencode(rest.fields())}"

    def _choice(self, given: Mapping[str, str], ids: tuple[str, ...]) -> Choice:
        action = given.get("action", "")
        if action not in self._kind.actions:
            raise InvalidInput.at("action", f"must be one of {', '.join(self._kind.actions)}.")
        wanted = {name: given[name] for name in self._kind.filters if given.get(name)}
        after = _id("after", given["after"]) if given.get("after") else None
        if given.get("which") == _ALL:
            typed = (given.get(REASON, ""), given.get(UNTIL, ""))
            return Choice(action, wanted, None, after, given.get("begun", ""), Progress.read(given), *typed)
        chosen = [*ids, *given.get("ids", "").split()]
        if not chosen:
            raise InvalidInput.at("id", f"is missing: tick the {self._kind.nouns[1]}, or choose all that fit.")
        if len(chosen) > MOST:
            raise InvalidInput.at("id", f"is given more than {MOST} times; tick fewer, or choose all that fit.")
        ticked = tuple(dict.fromkeys(_id("id", one) for one in chosen))
        return Choice(action, wanted, ticked, after)

    def _list(self, choice: Choice, done: str = "") -> str:
        shown = {name: value for name, value in choice.filter.items() if name not in _OF_FAILURES}
        params = {**shown, "done": done} if done else shown
        return f"{self._kind.path}?{urlencode(params)}" if params else self._kind.path


def _row(one: Refused, of: str, name: str) -> RefusedRow:
    before, named, after = one.detail.partition(str(one.id))
    return (
        RefusedRow(one.id, f"{before}{of}", name, after) if named else RefusedRow(one.id, "", name, f": {one.detail}")
    )


def _id(name: str, text: str) -> UUID:
    try:
        return UUID(text)
    except ValueError:
        raise InvalidInput.at(name, f"{text!a} is not an id; begin at the list.") from None
