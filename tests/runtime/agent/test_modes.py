"""Modes as chmod(1) understands them."""

import os
import subprocess

import pytest

from runtime.agent import modes
from runtime.errors import NotFound, UsageError


@pytest.mark.parametrize(
    ("mode", "old", "new"),
    [
        ("0644", 0o777, 0o644),
        ("644", 0o777, 0o644),
        ("0o755", 0, 0o755),
        ("1777", 0, 0o1777),
        ("02755", 0, 0o2755),
        (0o600, 0o777, 0o600),
        ("u=rw,g=r,o=", 0o777, 0o640),
        ("u+x", 0o644, 0o744),
        ("a-w", 0o666, 0o444),
        ("+x", 0o644, 0o755),
        ("go=", 0o777, 0o700),
        ("g=u", 0o740, 0o770),
        ("o=g", 0o750, 0o755),
        ("u+s", 0o755, 0o4755),
        ("g+s,u-s", 0o4755, 0o2755),
        ("+t", 0o777, 0o1777),
        ("u=rwX,g=rX", 0o644, 0o644),
        ("a+X", 0o744, 0o755),
        ("u=rw,u+x-r", 0o000, 0o300),
    ],
)
def test_a_mode_gives_these_bits(mode, old, new):
    assert f"{modes.apply(mode, old):04o}" == f"{new:04o}"


@pytest.mark.parametrize(
    "mode", ["u=rw,g=r,o=", "u+x", "g=u", "a+X", "u=rwX,go=rX", "g+s", "o-rwx", "ug+w,o-r", "u=g", "+t", "a=r", "g=s"]
)
@pytest.mark.parametrize("old", [0o644, 0o750, 0o4711, 0o2777])
def test_symbolic_modes_do_what_chmod_does(mode, old, tmp_path):
    path = tmp_path / "file"
    path.touch()
    path.chmod(old)
    subprocess.run(["chmod", "--", mode, str(path)], check=True)
    assert f"{modes.apply(mode, old):04o}" == f"{path.stat().st_mode & 0o7777:04o}"


def test_a_directory_keeps_x_where_a_file_does_not():
    assert modes.apply("a+X", 0o600, directory=True) == 0o711


@pytest.mark.parametrize("mode", ["rw", "u~x", "0888", "999999", "", "x+u=", True, None, 1.5])
def test_nonsense_is_a_usage_error_that_shows_how(mode):
    with pytest.raises(UsageError):
        modes.apply(mode, 0o644)


def test_users_and_groups_by_name_or_number():
    assert modes.user_id("root") == modes.user_id(0) == modes.user_id("0") == 0
    assert modes.group_id("root") == 0
    assert modes.user_name(os.getuid())
    with pytest.raises(NotFound, match="no user 'mallory'"):
        modes.user_id("mallory")
    with pytest.raises(UsageError):
        modes.user_id(2**32 - 1)
