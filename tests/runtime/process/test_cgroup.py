"""A cgroup limits, freezes, counts and kills, on the hierarchies of this machine and on v2 alone."""

import os
import time

import pytest

from runtime.errors import KernelError, NotFound, StartError
from runtime.process import cgroup, devices, hierarchies
from tests.runtime.process.box import Box, run, run_python
from tests.sandbox import in_sandbox

pytestmark = pytest.mark.root


@in_sandbox
def test_memory_beyond_the_limit_is_an_oom_kill_that_is_counted():
    with Box(["/usr/bin/python3", "-I", "-c", "x = bytearray(200 << 20)"], memory=40 << 20) as box:
        assert box.wait() == -9
        assert box.cgroup.stats()["oom_kills"] >= 1
        assert box.cgroup.stats()["memory_limit"] == 40 << 20


@in_sandbox
def test_processes_beyond_the_limit_cannot_be_made():
    code = "import os\ntry:\n    for n in range(50):\n        if not os.fork(): os.pause()\nexcept OSError as e: print(n, e.errno)"
    code = code.replace("os.pause()", "__import__('time').sleep(60)")
    assert run_python(code, pids=10) == (0, "9 11\n")


@in_sandbox
def test_frozen_processes_stand_still_until_thawed():
    with Box(["sh", "-c", "while :; do :; done"]) as box:
        box.cgroup.freeze()
        before = box.cgroup.stats()["cpu_usec"]
        time.sleep(0.1)
        assert box.cgroup.stats()["cpu_usec"] - before < 1000
        box.cgroup.thaw()
        time.sleep(0.1)
        assert box.cgroup.stats()["cpu_usec"] - before > 10_000


@in_sandbox
def test_kill_ends_processes_that_fork_on_and_on_also_when_frozen():
    with Box(["sh", "-c", "while :; do sleep 60 & sleep 0.001; done"]) as box:
        time.sleep(0.2)
        assert len(box.cgroup.pids()) > 10
        box.cgroup.freeze()
        box.cgroup.kill()
        assert box.wait() == -9


@in_sandbox
def test_limits_change_while_it_runs():
    with Box(["sleep", "60"], memory=40 << 20) as box:
        for limit in (20 << 20, 80 << 20):
            box.cgroup.update({"memory": {"limit": limit, "swap": limit}, "pids": {"limit": 5}})
            assert box.cgroup.stats()["memory_limit"] == limit


@in_sandbox
def test_it_is_found_again_by_name_until_it_is_removed():
    made = cgroup.create("wherry/test-again", {"pids": {"limit": 5}})
    try:
        assert cgroup.open("wherry/test-again").folders == made.folders
    finally:
        made.remove()
    made.remove()
    with pytest.raises(NotFound):
        cgroup.open("wherry/test-again")
    assert not any(os.path.exists(folder) for folder in made.folders)


@in_sandbox
def test_a_limit_that_the_kernel_refuses_leaves_no_cgroup_behind():
    with pytest.raises(KernelError, match="cpuset"):
        cgroup.create("wherry/test-refused", {"cpu": {"cpus": "4000"}})
    with pytest.raises(NotFound):
        cgroup.open("wherry/test-refused")


@in_sandbox
def test_only_the_standard_devices_and_those_asked_for_can_be_opened():
    code = """
import os
for name, number in (("null", (1, 3)), ("loop-control", (10, 237)), ("kmsg", (1, 11))):
    os.mknod("/tmp/" + name, 0o600 | 0o020000, os.makedev(*number))
    try: os.close(os.open("/tmp/" + name, os.O_RDONLY | os.O_NONBLOCK)); print(name, "opened")
    except OSError as error: print(name, error.errno)
"""
    assert run_python(code, cap_add=["MKNOD", "SYSLOG"]) == (0, "null opened\nloop-control 1\nkmsg 1\n")
    assert run_python(code, cap_add=["MKNOD", "SYSLOG"], devices=["/dev/kmsg"]) == (
        0,
        "null opened\nloop-control 1\nkmsg opened\n",
    )


# --- v2 alone: this machine's v2 tree has no controllers, but it freezes, kills, and runs device programs ---------------


def v2_alone(monkeypatch):
    v2 = hierarchies.find().v2
    if v2 is None:
        pytest.fail("these tests need a mounted cgroup2")
    monkeypatch.setattr(hierarchies, "find", lambda: hierarchies.Hierarchies({}, v2))


@pytest.mark.parametrize("kernel", ["5.7", "5.6"])
def test_on_v2_a_container_is_born_in_its_cgroup_or_goes_there(monkeypatch, kernel):
    @in_sandbox
    def body():
        v2_alone(monkeypatch)
        if kernel == "5.6":
            forbid_birth_in_a_cgroup(monkeypatch)
        with Box(["sleep", "60"], pids=None) as box:
            assert box.cgroup.pids() == [box.pid]
            with open(f"/proc/{box.pid}/cgroup") as file:
                assert f"0::/{box.cgroup.name}" in file.read()
            box.cgroup.freeze()
            box.cgroup.thaw()
            box.cgroup.kill()
            assert box.wait() == -9

    body()


def forbid_birth_in_a_cgroup(monkeypatch):
    from runtime import linux

    clone3 = linux.clone3

    def old(flags, cgroup_fd=None):
        if cgroup_fd is not None:
            raise OSError(7, "clone3: Argument list too long")
        return clone3(flags)

    monkeypatch.setattr(linux, "clone3", old)


def test_on_v2_without_cgroup_kill_every_process_is_killed_all_the_same(monkeypatch):
    @in_sandbox
    def body():
        v2_alone(monkeypatch)
        exists = cgroup._exists
        monkeypatch.setattr(cgroup, "_exists", lambda path: not path.endswith("cgroup.kill") and exists(path))
        with Box(["sh", "-c", "sleep 60 & sleep 60"], pids=None) as box:
            box.cgroup.kill()
            assert box.wait() == -9

    body()


def test_on_v2_a_program_of_ours_decides_about_devices(monkeypatch):
    @in_sandbox
    def body():
        v2_alone(monkeypatch)
        script = "mknod /tmp/n c 1 3 && mknod /tmp/k c 1 11 && cat /tmp/n && ! head -c1 /tmp/k 2>&1; echo x > /dev/null; echo $?"
        code, output = run(["sh", "-c", script], cap_add=["MKNOD"], pids=None)
        assert (code, output.split("\n")) == (
            0,
            ["head: cannot open '/tmp/k' for reading: Operation not permitted", "0", ""],
        )

    body()


def test_v2_limits_are_an_error_where_the_controller_is_missing(monkeypatch):
    @in_sandbox
    def body():
        v2_alone(monkeypatch)
        with pytest.raises((KernelError, StartError), match="memory"):
            run(["true"], memory=40 << 20, pids=None)

    body()


def test_a_v1_line_names_what_the_rule_names():
    assert devices.v1_line("c", 1, 3, "rwm") == "c 1:3 rwm"
    assert devices.v1_line("b", -1, -1, "m") == "b *:* m"
    assert devices.v1_line("a", -1, -1, "rwm") == "a"
