"""A file of jobs as code: `{app: ..., jobs: [...]}`, each job with a name."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import yaml

from client import yaml_text
from client.definitions import FIELDS, NEEDED, Definition
from client.errors import WrongFile
from core import names

_MEMBERS = ("app", "jobs")


@dataclass(frozen=True)
class DeclaredJob:
    """One job of the file, known by its app and its name."""

    app: str
    name: str
    definition: Definition
    line: int


@dataclass(frozen=True)
class Declaration:
    """The content of a file: its jobs, and the apps that it names."""

    apps: tuple[str, ...]
    jobs: tuple[DeclaredJob, ...]


def read(text: str, source: str) -> Declaration:
    """Returns the content of a file. Raises `WrongFile` naming the line of the first fault."""
    value, node = yaml_text.read(text, source)
    if not isinstance(value, dict) or node is None:
        raise WrongFile(source, 1, "must be an object with the members app and jobs.")
    _refuse_unknown(node, _MEMBERS, source, "")
    app, listed = value.get("app"), value.get("jobs")
    nodes = yaml_text.member(node, "jobs")
    if not isinstance(listed, list) or nodes is None:
        raise WrongFile(source, yaml_text.line_of(nodes or node), "jobs must be a list.")
    declared = [_job(one, where, app, source) for one, where in zip(listed, nodes.value, strict=True)]
    _refuse_doubles(declared, source)
    apps = {job.app for job in declared} | ({app} if isinstance(app, str) else set())
    return Declaration(tuple(sorted(apps)), tuple(declared))


def _job(value: Any, node: yaml.Node, app: Any, source: str) -> DeclaredJob:
    line = yaml_text.line_of(node)
    if not isinstance(value, dict):
        raise WrongFile(source, line, "each of jobs must be an object.")
    name, app = value.get("name"), value.get("app", app)
    if not isinstance(name, str) or not name:
        raise WrongFile(source, line, "this job has no name; a job is known by its app and its name, as text.")
    if not isinstance(app, str) or not app:
        raise WrongFile(source, line, f"job {name}: has no app; give app here, or for all at the top of the file.")
    _refuse_unknown(node, ("app", *FIELDS), source, f"job {name}: ")
    missing = [field for field in NEEDED if value.get(field) is None]
    if missing:
        raise WrongFile(source, line, f"job {name}: {' and '.join(missing)} must be given.")
    definition = {field: inner for field, inner in value.items() if field != "app"}
    return DeclaredJob(app, name, definition, line)


def _refuse_unknown(node: yaml.Node, known: tuple[str, ...], source: str, whose: str) -> None:
    for key, _ in node.value:
        if key.value not in known and key.value != "<<":
            raise WrongFile(
                source,
                yaml_text.line_of(key),
                f"{whose}{key.value!r} is not known here; it may hold {', '.join(known)}.",
            )


def _refuse_doubles(declared: list[DeclaredJob], source: str) -> None:
    """Raises `WrongFile` where two jobs are one: to the server, two spellings are one name (`core.names`)."""
    known: dict[tuple[str, str], DeclaredJob] = {}
    for job in declared:
        first = known.setdefault((names.folded(job.app), names.folded(job.name)), job)
        if first is not job:
            is_same = (first.app, first.name) == (job.app, job.name)
            spelled = "" if is_same else f", as {first.name} of {first.app}: spellings of one name"
            fault = f"job {job.name} of the app {job.app} stands on line {first.line} already{spelled}."
            raise WrongFile(source, job.line, fault)
