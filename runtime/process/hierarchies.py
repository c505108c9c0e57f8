"""Which cgroup hierarchies this process sees, and where: v1 controllers mounted singly, v2, or both (cgroups(7))."""

from posix import O_CLOEXEC, O_RDONLY, close, read, stat
from posix import open as open_file

SCOPE = "system.slice/wherry.scope"  # the v2 cgroup that systemd leaves to us, once a keeper has asked for it
KEEPERS = f"{SCOPE}/keeper"
_NOT_CONTROLLERS = ("rw", "ro", "xattr", "clone_children", "noprefix")


class Hierarchies:
    """v1: {mount point: [options that name the hierarchy]}; v2: mount point or None."""

    def __init__(self, v1, v2):
        self.v1, self.v2 = v1, v2

    def folder(self, controller):
        """The mount point of a v1 controller, or None."""
        for mountpoint, controllers in self.v1.items():
            if controller in controllers:
                return mountpoint
        return None


def find(mountinfo="/proc/self/mountinfo"):
    """The hierarchies as they are mounted for this process; a later mount over the same place counts."""
    v1, v2 = {}, None
    for line in contents(mountinfo).decode("utf-8", "surrogateescape").splitlines():
        if " - cgroup" not in line:
            continue
        before, _, after = line.partition(" - ")
        mountpoint = before.split()[4].replace("\\040", " ")
        fstype, _, options = after.split(" ", 2)
        if fstype == "cgroup2":
            v2 = mountpoint
        else:
            v1[mountpoint] = controllers(options)
    return Hierarchies({place: named for place, named in v1.items() if named}, v2)


def has_systemd():
    """Whether systemd runs this machine (sd_booted(3))."""
    try:
        stat("/run/systemd/system")
    except FileNotFoundError:
        return False
    return True


def is_in_scope():
    """Whether this process is a keeper or monitor in systemd's scope, which then ends no sooner than it does."""
    return has_systemd() and f"0::/{KEEPERS}" in contents("/proc/self/cgroup").decode().splitlines()


def controllers(options):
    """The v1 controllers among the options of a superblock; [] for a named hierarchy such as systemd's."""
    names = [option for option in options.split(",") if option not in _NOT_CONTROLLERS]
    return [] if any("=" in name for name in names) else names


def contents(path):
    """All bytes of a small file of the kernel's."""
    fd = open_file(path, O_RDONLY | O_CLOEXEC)
    try:
        parts = []
        while part := read(fd, 1 << 16):
            parts.append(part)
        return b"".join(parts)
    finally:
        close(fd)
