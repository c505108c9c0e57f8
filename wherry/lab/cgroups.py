"""A cgroup of its own in every hierarchy for each host: v1, hybrid and v2."""

from __future__ import annotations

import os
import time
from dataclasses import dataclass

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
    """Remove `group` and all below it from every hierarchy; the kernel frees a dead process's cgroup a moment later."""
    deadline = time.monotonic() + timeout
    for folder in find(group):
        while not _removed(folder) and time.monotonic() < deadline:
            time.sleep(0.01)


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


def _removed(folder: str) -> bool:
    for path, _, _ in os.walk(folder, topdown=False):
        try:
            os.rmdir(path)
        except OSError:
            return False
    return True


def _read(path: str) -> str:
    try:
        with open(path, encoding="utf-8") as file:
            return file.read().strip()
    except FileNotFoundError:
        return ""


def _write(path: str, text: str) -> None:
    with open(path, "w", encoding="utf-8") as file:
        file.write(text)
