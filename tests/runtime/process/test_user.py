"""Users by name and number, from files that an image controls."""

import os

import pytest

from runtime import linux
from runtime.errors import UsageError
from runtime.process import user

PASSWD = "root:x:0:0:root:/root:/bin/sh\napp:x:1000:1001:App:/home/app:/bin/sh\nbad line\n7:x:9:9::/seven:\n"
GROUP = "root:x:0:\nweb:x:33:app,other\nlogs:x:44:app\napp:x:1001:\n"


@pytest.fixture
def root(tmp_path):
    (tmp_path / "etc").mkdir()
    (tmp_path / "etc/passwd").write_text(PASSWD)
    (tmp_path / "etc/group").write_text(GROUP)
    fd = os.open(tmp_path, linux.O_PATH)
    yield fd
    os.close(fd)


@pytest.mark.parametrize(
    "text, expected",
    [
        ("", (0, 0, [], "/root")),
        ("root", (0, 0, [], "/root")),
        ("app", (1000, 1001, [33, 44], "/home/app")),
        ("1000", (1000, 1001, [33, 44], "/home/app")),
        ("app:web", (1000, 33, [], "/home/app")),
        ("app:5", (1000, 5, [], "/home/app")),
        ("4242", (4242, 0, [], "/")),
        ("4242:4343", (4242, 4343, [], "/")),
        ("7", (9, 9, [], "/seven")),  # a name first, as docker
    ],
)
def test_a_user_is_found_by_name_or_else_by_number(root, text, expected):
    assert user.resolve(text, root) == expected


@pytest.mark.parametrize("text", ["nobody", "app:nogroup", "-1", "4294967295", "4294967296", "1e3", "٣", "app:-1"])
def test_what_is_no_user_is_refused(root, text):
    with pytest.raises(UsageError):
        user.resolve(text, root)


@pytest.mark.parametrize("hostile", ["fifo", "link out", "directory", "absent", "loop", "device"])
def test_a_hostile_passwd_is_as_if_there_were_none(tmp_path, root, hostile):
    path = tmp_path / "etc/passwd"
    path.unlink()
    make = {
        "fifo": lambda: os.mkfifo(path),
        "link out": lambda: path.symlink_to("/etc/passwd"),
        "directory": path.mkdir,
        "absent": lambda: None,
        "loop": lambda: path.symlink_to("passwd"),
        "device": lambda: path.symlink_to("/dev/zero"),
    }
    make[hostile]()
    assert user.resolve("0", root) == (0, 0, [], "/")
    with pytest.raises(UsageError, match="app"):
        user.resolve("app", root)


def test_only_the_first_megabyte_counts(tmp_path, root):
    (tmp_path / "etc/passwd").write_text("x" * (1 << 20) + "\napp:x:1:1::/:\n")
    with pytest.raises(UsageError):
        user.resolve("app", root)


def test_a_wrapped_number_in_passwd_is_not_root(tmp_path, root):
    (tmp_path / "etc/passwd").write_text("evil:x:4294967296:0::/:\n")
    with pytest.raises(UsageError, match="too large"):
        user.resolve("evil", root)
