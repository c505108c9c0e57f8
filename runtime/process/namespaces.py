"""Namespaces of an OCI config: which are new, which are joined, and where each step happens (namespaces(7))."""

from posix import O_CLOEXEC, O_RDONLY, close
from posix import open as open_file

from .. import linux
from ..errors import StartError

FLAGS = {
    "pid": linux.CLONE_NEWPID,
    "network": linux.CLONE_NEWNET,
    "ipc": linux.CLONE_NEWIPC,
    "uts": linux.CLONE_NEWUTS,
    "mount": linux.CLONE_NEWNS,
    "cgroup": linux.CLONE_NEWCGROUP,
}
FILES = {"pid": "pid", "network": "net", "ipc": "ipc", "uts": "uts", "mount": "mnt", "cgroup": "cgroup"}


def flags(spec):
    """What clone3 is to make new; the cgroup namespace comes later, once the child is in its cgroup."""
    made = 0
    for entry in spec["linux"]["namespaces"]:
        kind = entry["type"]
        if kind not in FLAGS:
            raise StartError(f"{kind} namespaces are not supported", "linux.namespaces", "leave it out")
        if not entry.get("path") and kind != "cgroup":
            made |= FLAGS[kind]
    return made


def joined(spec):
    """{kind: path} of the namespaces that exist already."""
    return {entry["type"]: entry["path"] for entry in spec["linux"]["namespaces"] if entry.get("path")}


def has_new(spec, kind):
    """Whether the container gets a namespace of `kind` of its own."""
    return any(entry["type"] == kind and not entry.get("path") for entry in spec["linux"]["namespaces"])


def join(paths):
    """Join the namespaces at `paths` ({kind: path}) that a process can join by itself; "pid" is not one of them."""
    for kind, path in paths.items():
        if kind != "pid":
            fd = open_file(path, O_RDONLY | O_CLOEXEC)
            linux.setns(fd, FLAGS[kind])
            close(fd)


class ChildrenIn:
    """`with ChildrenIn(path)`: children of this thread are born in that pid namespace; None changes nothing."""

    def __init__(self, path):
        self.path = path

    def __enter__(self):
        if self.path:
            self._set(self.path)

    def __exit__(self, *_):
        if self.path:
            self._set("/proc/thread-self/ns/pid")

    @staticmethod
    def _set(path):
        fd = open_file(path, O_RDONLY | O_CLOEXEC)
        try:
            linux.setns(fd, linux.CLONE_NEWPID)
        finally:
            close(fd)
