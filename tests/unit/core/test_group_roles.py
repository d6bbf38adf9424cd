"""The table of groups: what it grants, and what is no table."""

from __future__ import annotations

import pytest

from core.group_roles import Granted, GroupRoles
from core.scopes import Role

TABLE = GroupRoles.parse("cn=admins,dc=x=administrator; dev = app a:developer ;dev=b:viewer; all=b:owner;")


@pytest.mark.parametrize(
    ("groups", "granted"),
    [
        ([], Granted(administrator=False, roles={})),
        (["cn=admins,dc=x"], Granted(administrator=True, roles={})),
        (["dev"], Granted(administrator=False, roles={"app a": Role.DEVELOPER, "b": Role.VIEWER})),
        (["dev", "all"], Granted(administrator=False, roles={"app a": Role.DEVELOPER, "b": Role.OWNER})),
        (["DEV", "administrator"], Granted(administrator=False, roles={})),
    ],
)
def test_groups_grant_the_most_that_the_table_gives_them(groups: list[str], granted: Granted) -> None:
    assert TABLE.granted(groups) == granted


def test_the_table_knows_its_apps() -> None:
    assert TABLE.apps == {"app a", "b"}


@pytest.mark.parametrize("wrong", ["dev", "dev=", "=administrator", "dev=app", "dev=app:king", "dev=:viewer"])
def test_what_is_no_table_is_refused_with_the_rule(wrong: str) -> None:
    with pytest.raises(ValueError, match="write group=administrator or group=app:role"):
        GroupRoles.parse(wrong)
