"""enter(): one more process in a running container, which must not get hold of ours on its way in."""

import contextlib
import hashlib
import os
import shutil
import sys
import tempfile
import time

import pytest

from runtime.errors import StartError
from runtime.process import enter
from tests.runtime.process.box import BOOKWORM, HOST_USR, Box
from tests.sandbox import in_sandbox

pytestmark = pytest.mark.root

# Loops over /proc and tries to open every program but its own for reading, then for writing through that descriptor.
OPENER = """
import os
mine = os.stat("/proc/self/exe")
print("ready", flush=True)
while True:
    for name in os.listdir("/proc"):
        if not name.isdigit() or int(name) == os.getpid():
            continue
        try:
            fd = os.open(f"/proc/{name}/exe", os.O_RDONLY)
        except OSError:
            continue
        found = os.fstat(fd)
        if (found.st_dev, found.st_ino) == HOST:
            print("got the host's interpreter", flush=True)
        os.close(fd)
"""


def run_in(box, argv, **changes):
    """(exit code, output) of a command that enters the container of `box`."""
    with tempfile.TemporaryFile() as output:
        section = {**box.spec["process"], "args": argv, **changes}
        stdio = (box.null, output.fileno(), output.fileno())
        process = enter.enter(box.pid, section, stdio=stdio, cgroup=box.cgroup, spec=box.spec)
        code = os.waitstatus_to_exitcode(os.waitpid(process.pid, 0)[1])
        os.close(process.pidfd)
        output.seek(0)
        return code, output.read().decode()


@in_sandbox
def test_the_command_runs_in_all_namespaces_and_the_cgroup_of_the_container():
    kinds = ("pid", "net", "ipc", "uts", "mnt", "cgroup")
    with Box(["sleep", "60"]) as box:
        code, output = run_in(box, ["readlink", *[f"/proc/self/ns/{kind}" for kind in kinds]])
        assert (code, output.split()) == (0, [os.readlink(f"/proc/{box.pid}/ns/{kind}") for kind in kinds])
        code, output = run_in(
            box, ["sh", "-c", "hostname; cat /proc/1/comm; cat /proc/self/cgroup; cat /proc/1/cgroup"]
        )
        lines = output.split("\n")[:-1]
        assert (code, lines[:2]) == (0, ["box", "sleep"])
        assert lines[2 : len(lines) // 2 + 1] == lines[len(lines) // 2 + 1 :]


@in_sandbox
def test_the_cgroup_is_found_when_the_caller_does_not_name_it():
    with Box(["sleep", "60"]) as box:
        process = enter.enter(box.pid, {**box.spec["process"], "args": ["sleep", "60"]}, stdio=box.stdio, spec=box.spec)
        assert sorted(box.cgroup.pids()) == sorted([box.pid, process.pid])
        with open(f"/proc/{box.pid}/cgroup") as first, open(f"/proc/{process.pid}/cgroup") as second:
            assert first.read() == second.read()
        box.cgroup.kill()
        os.waitpid(process.pid, 0)


@in_sandbox
def test_the_protections_are_those_of_the_first_process():
    with Box(["sleep", "60"]) as box:
        wanted = [
            name + ":" for name in ("CapInh", "CapPrm", "CapEff", "CapBnd", "CapAmb", "NoNewPrivs", "Seccomp", "SigIgn")
        ]
        with open(f"/proc/{box.pid}/status") as file:
            first = [line for line in file.read().split("\n") if line.startswith(tuple(wanted))]
        _, output = run_in(box, ["cat", "/proc/self/status"])
        assert [line for line in output.split("\n") if line.startswith(tuple(wanted))] == first
        assert run_in(box, ["ls", "/proc/self/fd"]) == (0, "0\n1\n2\n3\n")  # 3 is the one that ls lists with


@pytest.mark.parametrize(
    "argv, cwd, code",
    [(["nope"], "/", 127), (["/etc/passwd"], "/", 126), (["true"], "/nowhere", 127), (["true"], "/etc/passwd", 126)],
)
def test_what_cannot_run_is_an_error_with_dockers_exit_code(argv, cwd, code):
    @in_sandbox
    def body():
        with Box(["sleep", "60"]) as box:
            with pytest.raises(StartError) as error:
                run_in(box, argv, cwd=cwd)
            assert error.value.exit_code == code

    body()


@in_sandbox
def test_a_working_directory_through_a_leaked_descriptor_is_refused():
    for _ in range(10):
        os.set_inheritable(os.open("/", os.O_RDONLY), True)
    with Box(["sleep", "60"]) as box:
        for number in range(3, 21):
            with pytest.raises(StartError):
                run_in(box, ["ls"], cwd=f"/proc/self/fd/{number}")


@in_sandbox
def test_a_container_that_has_ended_is_an_error():
    with Box(["true"]) as box:
        box.wait()
        with pytest.raises(StartError, match="not running"):
            run_in(box, ["true"])


@in_sandbox
def test_the_container_never_gets_a_descriptor_of_the_hosts_interpreter():
    python = os.path.realpath(sys.executable)
    found = os.stat(python)
    before = checksum(python)
    opener = OPENER.replace("HOST", repr((found.st_dev, found.st_ino)))
    with Box(["/usr/bin/python3", "-I", "-c", opener], image=BOOKWORM) as box:
        wait_for(box, "ready")
        for _ in range(100):
            assert run_in(box, ["true"]) == (0, "")
        assert box.output == "ready\n"
    assert checksum(python) == before


@in_sandbox
def test_no_python_module_of_the_image_is_run_as_the_host():
    hostile = "/run/hostile"
    shutil.copytree(f"{BOOKWORM}/usr/lib/python3.11/encodings", f"{hostile}/encodings")
    marker = "import os\nos.close(os.open('/tmp/marker', os.O_CREAT | os.O_WRONLY))\n"
    for name in ("idna", "punycode", "utf_16", "latin_1"):
        with open(f"{hostile}/encodings/{name}.py", "w") as file:
            file.write(marker)
    folders = {path for path in sys.path if path.startswith("/") and os.path.isdir(path)}
    mounts = [
        {"destination": path, "type": "bind", "source": hostile, "options": ["rbind"]} for path in sorted(folders)
    ]
    with Box(["sleep", "60"], mounts=mounts) as box:
        run_in(box, ["true"])
        for argv, changes in ((["nope"], {}), (["true"], {"cwd": "/\udcff"}), (["true"], {"env": ["PATH=/\udcff"]})):
            with contextlib.suppress(StartError):
                run_in(box, argv, **changes)
        assert run_in(box, ["test", "-e", "/tmp/marker"]) == (1, "")


@in_sandbox
def test_a_terminal_is_made_in_the_containers_own_devpts():
    with Box(["sleep", "60"], mounts=[HOST_USR]) as box:
        process = enter.enter(
            box.pid,
            {**box.spec["process"], "args": ["sh", "-c", "tty; test -t 0 && echo yes"], "terminal": True},
            stdio=None,
            spec=box.spec,
        )
        assert os.waitpid(process.pid, 0)[1] == 0
        assert os.read(process.terminal, 4096) == b"/dev/pts/0\r\nyes\r\n"


@in_sandbox
def test_a_hundred_entries_leave_no_descriptor_and_no_process():
    with Box(["sleep", "60"]) as box:
        run_in(box, ["true"])
        before = sorted(os.listdir("/proc/self/fd"))
        for _ in range(50):
            run_in(box, ["true"])
            with pytest.raises(StartError):
                run_in(box, ["nope"])
        assert sorted(os.listdir("/proc/self/fd")) == before
        assert box.cgroup.pids() == [box.pid]


def checksum(path):
    with open(path, "rb") as file:
        return hashlib.sha256(file.read()).hexdigest()


def wait_for(box, text):
    """Until the first process has written `text`; at most five seconds."""
    end = time.monotonic() + 5
    while text not in box.output:
        assert time.monotonic() < end, box.output
        time.sleep(0.01)
