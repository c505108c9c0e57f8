"""What the operator may choose."""

import pytest

from wherry.errors import UsageError
from wherry.rollout import run


@pytest.mark.parametrize("forks", [0, -1])
def test_no_host_at_a_time_is_refused(forks):
    with pytest.raises(UsageError, match="a number of at least 1"):
        run.Options(env="prod", forks=forks)
