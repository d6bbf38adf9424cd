"""How a process ends that meets a fault: what another start would meet again has a status of its own."""

from __future__ import annotations

import pytest

from core.errors import CarillonError, DatabaseUnavailable, Misconfigured
from processes.exit_status import plain_faults


@pytest.mark.parametrize(("fault", "status"), [(Misconfigured("PORT=x"), 2), (DatabaseUnavailable("It is away."), 1)])
def test_only_a_wrong_configuration_ends_with_the_status_of_one(
    fault: CarillonError, status: int, capsys: pytest.CaptureFixture[str]
) -> None:
    with pytest.raises(SystemExit) as ended, plain_faults():
        raise fault
    assert ended.value.code == status
    assert capsys.readouterr().err == f"{fault}\n"
