"""A container starts on kernel 5.4: each newer call is taken away, and the way back gives the same container."""

import pytest

from runtime import linux
from tests.runtime.process.box import run
from tests.sandbox import in_sandbox

pytestmark = pytest.mark.root
LOOK = "ls /proc/self/fd; ls -A /tmp; touch /ro/x || touch /proc/sys/x || touch /sys/x || findmnt -rn -o TARGET,OPTIONS | grep -v upperdir"
MOUNTS = [{"destination": "/ro", "type": "bind", "source": "/run", "options": ["rbind", "ro", "nosuid"]}]


def look():
    code, output = run(["sh", "-c", LOOK], mounts=MOUNTS, read_only=True)
    assert code == 0, output
    return output


@pytest.mark.parametrize(
    "missing",
    [
        ["openat2"],
        ["mount_setattr"],
        ["close_range"],
        ["clone3"],
        ["openat2", "mount_setattr", "close_range", "clone3"],
    ],
)
def test_a_container_is_the_same_without(monkeypatch, missing):
    call = linux._call

    def older(name, *arguments, **how):
        if name in missing:
            raise OSError(linux.ENOSYS, f"{name}: Function not implemented")
        return call(name, *arguments, **how)

    @in_sandbox
    def body():
        expected = look()
        monkeypatch.setattr(linux, "_call", older)
        assert look() == expected

    body()
