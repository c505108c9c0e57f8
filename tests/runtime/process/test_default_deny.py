"""The golden table of the default profile: what a hostile program tries, and what comes of it."""

import json
import os
import shutil

import pytest

from runtime import linux
from tests.runtime.process.box import run, run_python
from tests.sandbox import in_sandbox

pytestmark = pytest.mark.root
PROBE = os.path.join(os.path.dirname(__file__), "probe.py")

REFUSED_BY_MOUNTS = {
    "write core_pattern": "EROFS",
    "write sysrq": "EROFS",
    "write irq": "EROFS",
    "write sysfs": "EROFS",
    "make a cgroup": "EROFS",
    "release_agent": "EROFS",
    "raise the memory limit": "EROFS",
    "read kcore": "ENOENT",
    "read keys": "0 bytes",
    "read timer_list": "0 bytes",
    "read interrupts": "0 bytes",
    "list firmware": "[]",
    "list acpi": "[]",
}
REFUSED_BY_FILTER = {
    **dict.fromkeys(["unshare a user namespace", "clone into a user namespace", "clone with high bits"], "EPERM"),
    **dict.fromkeys(["mount", "remount /proc/sys", "umount a mask", "open_tree", "fsopen", "setns"], "EPERM"),
    **dict.fromkeys(["AF_ALG", "AF_VSOCK", "AF_VSOCK with high bits", "audit", "audit with high bits"], "EPERM"),
    **dict.fromkeys(["io_uring_setup", "bpf", "userfaultfd", "perf_event_open", "add_key", "keyctl"], "EPERM"),
    **dict.fromkeys(["kexec_load", "init_module", "open_by_handle_at", "swapon", "reboot"], "EPERM"),
    **dict.fromkeys(["TIOCSTI", "TIOCLINUX", "TIOCSTI with high bits", "personality READ_IMPLIES_EXEC"], "EPERM"),
    **dict.fromkeys(["clone3", "a call that no kernel has", "an x32 call"], "ENOSYS"),
    "an i386 call": "killed",
}
REFUSED_BY_CAPABILITIES = {
    "AF_PACKET": "EPERM",
    "read /dev/mem": "EPERM",
    "ptrace the host": "ESRCH",
    "read the host's memory": "ESRCH",
}
ALLOWED = {"fork": "done", "null": "done", "urandom": "4096 bytes", "netlink route": "done", "own limit": "done"}
STATUS = {"NoNewPrivs": "1", "CapInh": "0000000000000000", "Seccomp": "2"}


def probe(**options):
    """{attempt: outcome} of probe.py in a container."""
    marker = "/run/marker"
    with open(marker, "w"):
        pass
    shutil.copy("/usr/bin/id", "/run/suid-id")
    os.chmod("/run/suid-id", 0o4755)
    mounts = [
        {"destination": "/.container-of-a-test", "type": "bind", "source": marker, "options": ["bind", "ro"]},
        {"destination": "/suid-id", "type": "bind", "source": "/run/suid-id", "options": ["bind"]},
    ]
    with open(PROBE) as file:
        code, output = run_python(file.read(), mounts=mounts, **options)
    assert code == 0, output
    return json.loads(output)


@in_sandbox
def test_every_attack_by_root_in_a_container_ends_as_the_table_says():
    expected = {**REFUSED_BY_MOUNTS, **REFUSED_BY_FILTER, **REFUSED_BY_CAPABILITIES, **ALLOWED, **STATUS}
    outcomes = probe()
    assert outcomes == {**expected, "chown": "done", "run a setuid program": "root"}


@in_sandbox
def test_every_attack_by_another_user_ends_as_the_table_says():
    outcomes = probe(uid=1000, gid=1000)
    for name, outcome in {**REFUSED_BY_FILTER, **REFUSED_BY_CAPABILITIES, **ALLOWED, **STATUS}.items():
        assert outcomes[name] == outcome, name
    for name in REFUSED_BY_MOUNTS:
        assert outcomes[name] in ("EROFS", "EACCES", "EPERM", "ENOENT", "0 bytes", "[]"), name
    assert outcomes["chown"] == "EPERM"
    assert outcomes["run a setuid program"] == "1000"


@in_sandbox
def test_setuid_programs_work_only_when_allowed_by_name():
    assert probe(uid=1000, gid=1000, allow_setuid=True)["run a setuid program"] == "0"


@in_sandbox
def test_privileged_is_the_opposite():
    # Not the probe: there it would attack this machine.
    code, output = run(
        ["sh", "-c", "grep -E 'NoNew|Seccomp:|CapEff' /proc/self/status; findmnt -n -o OPTIONS /sys"], privileged=True
    )
    assert code == 0
    assert output.split("\n")[:3] == [f"CapEff:\t{linux.capget()[1]:016x}", "NoNewPrivs:\t0", "Seccomp:\t0"]
    assert output.split("\n")[3].startswith("rw,")
