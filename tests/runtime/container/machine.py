"""A machine for tests: inside a sandbox, with the busybox image loaded and the `wherry` command at hand."""

import functools
import json
import os
import subprocess
import sys
import time

from runtime.container import Containers
from runtime.state import Dirs
from tests.runtime.container import busybox
from tests.sandbox import in_sandbox

ROOT = os.path.dirname(os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__)))))
START = "import sys; sys.path.insert(0, sys.argv.pop(1)); from runtime.__main__ import main; main()"
COMMAND = [sys.executable, "-I", "-S", "-B", "-c", START, ROOT]
IMAGE = "busybox:test"


def on_a_machine(test):
    """Decorate a test: its body runs in a sandbox; whatever containers it leaves are removed, their cgroups too."""

    @in_sandbox
    @functools.wraps(test)
    def wrapper(*args, **kwargs):
        try:
            test(*args, **kwargs)
        finally:
            containers = Containers(Dirs())
            for record in containers.list():
                containers.remove(record, force=True)

    return wrapper


class Machine:
    """What tests do on it."""

    def __init__(self, config=None):
        self.dirs = Dirs()
        self.containers = Containers(self.dirs)
        self.containers.images.load(busybox.archive("/run/busybox.tar", config=config))

    def wherry(self, *words, stdin=None, code=0):
        """Run the command; it must exit with `code`. Its stdout, stripped."""
        done = self.attempt(*words, stdin=stdin)
        assert done.returncode == code, f"{words}: {done.returncode}, {done.stdout}{done.stderr}"
        return done.stdout.strip()

    def attempt(self, *words, stdin=None):
        """Run the command: CompletedProcess with text."""
        given = {"input": stdin} if stdin is not None else {"stdin": subprocess.DEVNULL}
        return subprocess.run([*COMMAND, *words], capture_output=True, text=True, timeout=60, **given)

    def run(self, *words):
        """`wherry run -d`: the Record."""
        return self.containers.find(self.wherry("run", "-d", *words))

    def inspect(self, name):
        """What `wherry inspect` shows of one."""
        return json.loads(self.wherry("inspect", name))[0]

    def residue(self):
        """Counts of all that a container may leave behind; the same before and after means that nothing was left."""
        # The kernel takes a network namespace down a moment after its last process; a keeper leaves with its last monitor.
        wait_until(
            lambda: _links() == 0 and not [each for each in os.listdir("/run/wherry") if each.startswith("keeper")]
        )
        folders = (self.dirs.run, self.dirs.containers, self.dirs.names)
        return {
            "mounts": len(_lines("/proc/self/mountinfo")),
            "processes": len(processes()),
            "files": sum(len(files) for folder in folders for _, _, files in os.walk(folder)),
            "elements": _elements("ports") + _elements("bound"),
            "leases": len(self._leases()),
        }

    def _leases(self):
        path = f"{self.dirs.networks}/addresses.json"
        return json.loads("".join(_lines(path)))["leases"] if os.path.exists(path) else {}


def processes():
    """The command line of every process but zombies, which nobody reaps in a sandbox: {pid: bytes}."""
    found = {}
    for pid in filter(str.isdigit, os.listdir("/proc")):
        try:
            with open(f"/proc/{pid}/cmdline", "rb") as file:
                found[int(pid)] = file.read()
        except (FileNotFoundError, ProcessLookupError):
            continue
    return {pid: command for pid, command in found.items() if command}


def wait_until(true, seconds=10):
    """Wait until `true()` holds; AssertionError when it does not in time."""
    deadline = time.monotonic() + seconds
    while time.monotonic() < deadline:
        if true():
            return
        time.sleep(0.02)
    raise AssertionError(f"not within {seconds} s")


def _lines(path):
    with open(path) as file:
        return file.readlines()


def _links():
    text = subprocess.run(["ip", "-o", "link", "show", "type", "veth"], capture_output=True, text=True).stdout
    return len(text.splitlines())


def _elements(name):
    text = subprocess.run(["nft", "list", "map", "ip", "wherry", name], capture_output=True, text=True).stdout
    return text.partition("elements")[2].count(" : ")
