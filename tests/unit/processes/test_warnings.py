"""What a process says at its start about settings that are valid but probably not intended."""

from __future__ import annotations

from structlog.testing import capture_logs

from processes import start
from tests.factories import given_system


def test_programs_that_run_others_are_named_where_jobs_may_give_them_any_argument() -> None:
    with capture_logs() as logged:
        start.warn(given_system(commands_allowed="echo, find, git, tar -xf {}").settings)
    [warning] = [one for one in logged if one["event"] == "commands_run_others"]
    assert warning["programs"] == ["find", "git"]


def test_programs_with_their_arguments_are_not_warned_of() -> None:
    with capture_logs() as logged:
        start.warn(given_system(commands_allowed="echo, find /srv -name {}").settings)
    assert not [one for one in logged if one["event"] == "commands_run_others"]
