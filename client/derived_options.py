"""Options of a command that derive from lists, besides those its function names."""

from __future__ import annotations

import functools
import inspect
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from typing import Annotated, Any

import typer


@dataclass(frozen=True)
class Option:
    """An option: the name under which its value is handed over, how it is written, what it does, what it parses to."""

    name: str
    flag: str
    help: str | None
    type: Any

    def parameter(self) -> inspect.Parameter:
        """Returns the parameter that typer makes an option of; what is not given is None, or False for a flag."""
        is_flag = self.type is bool
        return inspect.Parameter(
            self.name,
            inspect.Parameter.KEYWORD_ONLY,
            default=False if is_flag else None,
            annotation=Annotated[
                bool if is_flag else self.type | None, typer.Option(self.flag, help=self.help, show_default=False)
            ],
        )


def was_given(value: Any) -> bool:
    """Whether an option was given; 0 and an empty text were."""
    return value is not None and value is not False and value != []


def takes(options: Iterable[Option]) -> Callable[[Callable[..., None]], Callable[..., None]]:
    """Give a command these options; their values come as its argument `given`, by name."""
    parameters = [option.parameter() for option in options]

    def decorate(command: Callable[..., None]) -> Callable[..., None]:
        @functools.wraps(command)
        def with_options(**values: Any) -> None:
            command(given={one.name: values.pop(one.name) for one in parameters}, **values)

        own = [one for one in inspect.signature(command, eval_str=True).parameters.values() if one.name != "given"]
        every = [*(one.replace(kind=inspect.Parameter.KEYWORD_ONLY) for one in own[:1]), *parameters]
        every += [one.replace(kind=inspect.Parameter.KEYWORD_ONLY) for one in own[1:]]
        with_options.__signature__ = inspect.Signature(every)  # type: ignore[attr-defined]  # what typer reads
        with_options.__annotations__ = {one.name: one.annotation for one in every}
        return with_options

    return decorate
