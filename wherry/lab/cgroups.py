"""A cgroup of its own in every hierarchy for each host: v1, hybrid and v2."""

from __future__ import annotations

import os
import signal
import time
from dataclasses import dataclass

from wherry.errors import WherryError

ROOT = "/sys/fs/cgroup"


@dataclass(frozen=True)
class Hierarchy:
    """One mounted cgroup hierarchy: `kind` is the file system type, `options` what a second mount of it needs."""

    at: str
    kind: str
    options: str

    @property
    def alone(self) -> bool:
        """Whether this is cgroup v2 with every controller, no v1 hierarchy beside it."""
        return self.at == ROOT


def hierarchies() -> list[Hierarchy]:
    """Every hierarchy mounted below /sys/fs/cgroup, from /proc/self/mountinfo (proc_pid_mountinfo(5))."""
    with open("/proc/self/mountinfo", encoding="utf-8") as file:
        lines = [line.split() for line in file]
    found = [Hierarchy(words[4], *_kind_and_options(words[words.index("-") + 1 :])) for words in lines]
    return [each for each in found if each.kind.startswith("cgroup") and (each.at + "/").startswith(ROOT + "/")]


def _kind_and_options(words: list[str]) -> tuple[str, str]:
    options = [word for word in words[2].split(",") if word not in ("rw", "ro")]
    return words[0], ",".join(options) if words[0] == "cgroup" else ""


def create(group: str) -> list[str]:
    """Make `group` ("lab/host") in every hierarchy, ready to be joined, and return the directories."""
    made = []
    for hierarchy in hierarchies():
        folder = hierarchy.at
        for name in group.split("/"):
            if hierarchy.alone:
                _enable_controllers(folder)
            folder = os.path.join(folder, name)
            os.makedirs(folder, exist_ok=True)
            _inherit_cpuset(folder)
        made.append(folder)
    return made


def join(folders: list[str]) -> None:
    """Move this process into these cgroups."""
    for folder in folders:
        _write(os.path.join(folder, "cgroup.procs"), str(os.getpid()))


def find(group: str) -> list[str]:
    """The directories of `group` that exist."""
    folders = [os.path.join(hierarchy.at, group) for hierarchy in hierarchies()]
    return [folder for folder in folders if os.path.isdir(folder)]


def remove(group: str, timeout: float = 5.0) -> None:
    """Remove `group` and all below it from every hierarchy, ending the processes there, frozen ones too.

    WherryError names what has not gone in time.
    """
    deadline = time.monotonic() + timeout
    while left := find(group):
        if time.monotonic() > deadline:
            raise _stays(group, left)
        for folder in left:
            _end(folder)
        for folder in left:
            _remove(folder)
        time.sleep(0.01)  # the kernel frees a dead process's cgroup a moment later


def leave_root_empty(folders: list[str]) -> None:
    """Move this process one level down where it would be in the way of controllers.

    In cgroup v2 alone only a cgroup without processes may enable controllers for its children (cgroups(7)); a real
    machine's root cgroup is exempt, a host's cgroup, which is the root only inside its namespace, is not.
    """
    if any(hierarchy.alone for hierarchy in hierarchies()):
        below = [os.path.join(folder, "init") for folder in folders]
        for folder in below:
            os.makedirs(folder, exist_ok=True)
        join(below)


def _enable_controllers(folder: str) -> None:
    for controller in _read(os.path.join(folder, "cgroup.controllers")).split():
        try:
            _write(os.path.join(folder, "cgroup.subtree_control"), "+" + controller)
        except OSError:
            continue  # a controller that this cgroup may not hand on (busy, threaded): hosts do without its limits


def _inherit_cpuset(folder: str) -> None:
    for name in ("cpuset.cpus", "cpuset.mems"):  # v1: empty in a new cgroup, and then nobody can join it
        path = os.path.join(folder, name)
        if os.path.exists(os.path.join(folder, "cpuset.sched_load_balance")) and not _read(path):
            _write(path, _read(os.path.join(os.path.dirname(folder), name)))


def _end(folder: str) -> None:
    """Kill every process below `folder`; a frozen one dies when it is thawed (cgroup v1: freezer-subsystem)."""
    for path, _, _ in os.walk(folder):
        for pid in _processes(path):
            _kill(pid, path)
        for name, thawed in (("freezer.state", "THAWED"), ("cgroup.freeze", "0")):
            if os.path.exists(os.path.join(path, name)):
                _write(os.path.join(path, name), thawed)


def _kill(pid: int, folder: str) -> None:
    try:
        process = os.pidfd_open(pid)
    except ProcessLookupError:
        return
    try:
        if pid in _processes(folder):  # asked again: from here on the descriptor cannot become another process
            signal.pidfd_send_signal(process, signal.SIGKILL)
    except ProcessLookupError:
        return
    finally:
        os.close(process)


def _processes(folder: str) -> list[int]:
    found = _read(os.path.join(folder, "cgroup.procs")).split()
    return [int(pid) for pid in found if pid != "0"]  # 0: of a PID namespace that is not below ours


def _remove(folder: str) -> None:
    for path, _, _ in os.walk(folder, topdown=False):
        try:
            os.rmdir(path)
        except OSError:
            return  # busy: a process in it is still ending


def _stays(group: str, folders: list[str]) -> WherryError:
    paths = [path for folder in folders for path, _, _ in os.walk(folder)]
    alive = sorted({pid for path in paths for pid in _processes(path)})
    what = f"processes {', '.join(map(str, alive))} do not end" if alive else f"{folders[0]} cannot be removed"
    return WherryError(what, f"cgroup {group}", "see what holds it (/proc/PID/stack), then again: wherry lab down")


def _read(path: str) -> str:
    try:
        with open(path, encoding="utf-8") as file:
            return file.read().strip()
    except FileNotFoundError:
        return ""


def _write(path: str, text: str) -> None:
    with open(path, "w", encoding="utf-8") as file:
        file.write(text)
