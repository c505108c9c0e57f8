"""The root filesystem of a container, set up through descriptors: no step follows a name that an image controls.

Every destination is resolved inside the root (openat2), and what is attached there is attached to the descriptor
(move_mount). /dev, /proc and /sys must be real directories; what masks a file is our own /dev/null.
"""

from posix import (
    O_CLOEXEC,
    O_CREAT,
    O_DIRECTORY,
    O_WRONLY,
    chdir,
    close,
    fchdir,
    fstatvfs,
    makedev,
    mkdir,
    mknod,
    stat,
    symlink,
    umask,
    write,
)
from posix import open as open_file

from .. import linux
from ..errors import StartError
from . import namespaces, rootpath

_ENOENT, _ELOOP = 2, 40
_KERNEL_FILESYSTEMS = ("/dev", "/proc", "/sys")
_PROC_FILES = ("cpuinfo", "diskstats", "loadavg", "meminfo", "stat", "swaps", "uptime", "slabinfo")  # lxcfs covers them
_NAMESPACED_SYSCTLS = ("net.", "kernel.msg", "kernel.sem", "kernel.shm", "fs.mqueue.", "kernel.domainname")
_PAGE = 4096  # mount(2) takes one page of options

_ATTRIBUTES = {
    "ro": linux.MOUNT_ATTR_RDONLY,
    "nosuid": linux.MOUNT_ATTR_NOSUID,
    "nodev": linux.MOUNT_ATTR_NODEV,
    "noexec": linux.MOUNT_ATTR_NOEXEC,
    "noatime": linux.MOUNT_ATTR_NOATIME,
    "strictatime": linux.MOUNT_ATTR_STRICTATIME,
    "nodiratime": linux.MOUNT_ATTR_NODIRATIME,
}
_OLD_FLAGS = {1: linux.MS_RDONLY, 2: linux.MS_NOSUID, 4: linux.MS_NODEV, 8: linux.MS_NOEXEC, 16: linux.MS_NOATIME}
_KEPT_FLAGS = sum(_OLD_FLAGS.values())  # statvfs(3) has the same bits
_PROPAGATION = {
    "private": linux.MS_PRIVATE,
    "slave": linux.MS_SLAVE,
    "shared": linux.MS_SHARED,
    "unbindable": linux.MS_UNBINDABLE,
}
_DEFAULTS = ("rw", "suid", "dev", "exec", "bind", "rbind", "defaults", "relatime", "async")

_NODES = {"null": (1, 3), "zero": (1, 5), "full": (1, 7), "random": (1, 8), "urandom": (1, 9), "tty": (5, 0)}
_LINKS = {
    "fd": "/proc/self/fd",
    "stdin": "/proc/self/fd/0",
    "stdout": "/proc/self/fd/1",
    "stderr": "/proc/self/fd/2",
    "ptmx": "pts/ptmx",
    "core": "/proc/kcore",
}
_CHARACTER_DEVICE = 0o020000


def mount_root(spec, cgroup=None):
    """Build the container's filesystem at `root.path`; the root's descriptor, and {destination: that of the mount}."""
    umask(0)
    linux.mount(None, "/", None, linux.MS_REC | linux.MS_PRIVATE)  # what happens here stays in this namespace
    root = open_root(spec["root"]["path"], spec.get("wherry", {}).get("overlay"))
    placed = {entry["destination"].rstrip("/"): place(root, entry, cgroup) for entry in spec.get("mounts", ())}
    make_devices(root, placed, spec["linux"].get("devices", ()))
    set_sysctls(placed.get("/proc"), spec)
    return root, placed


def open_root(path, overlay):
    """Mount the overlay, or the directory itself, at `path`: pivot_root(2) wants a mount."""
    if overlay:
        mount_overlay(path, **overlay)
    else:
        tree = linux.open_tree(linux.AT_FDCWD, path, linux.OPEN_TREE_CLONE | linux.AT_RECURSIVE)
        below = open_file(path, linux.O_PATH | O_DIRECTORY | O_CLOEXEC)
        linux.move_mount(tree, below)
    return open_file(path, linux.O_PATH | O_DIRECTORY | O_CLOEXEC)


def mount_overlay(path, lower, upper, work):
    """overlayfs with `lower` (topmost first) below the writable `upper`."""
    options = f"lowerdir={':'.join(map(_escape, lower))},upperdir={_escape(upper)},workdir={_escape(work)}"
    if len(options) >= _PAGE:
        opened = [open_file(each, linux.O_PATH | O_DIRECTORY | O_CLOEXEC) for each in lower]
        short = ":".join(f"/proc/self/fd/{fd}" for fd in opened)
        options = f"lowerdir={short},upperdir={_escape(upper)},workdir={_escape(work)}"
    linux.mount("overlay", path, "overlay", 0, options)


def _escape(path):
    return path.replace("\\", "\\\\").replace(",", "\\,").replace(":", "\\:")


def place(root, entry, cgroup=None):
    """Attach one OCI mount inside `root`; the descriptor of the new mount."""
    destination, options = entry["destination"], entry.get("options", ())
    attributes, propagation, data = parse_options(options)
    if entry.get("type") == "cgroup":
        return place_cgroups(root, destination, attributes, cgroup)
    if entry.get("type") == "bind" or "bind" in options or "rbind" in options:
        recursive = linux.AT_RECURSIVE if "rbind" in options else 0
        mount = open_source(entry["source"], recursive)
        attach(root, destination, mount, directory=rootpath.is_directory(mount))
        set_attributes(mount, attributes, propagation, recursive)
        return mount
    mount = new_filesystem(entry["type"], data, attributes, entry.get("source"))
    attach(root, destination, mount, directory=True)
    if propagation:
        set_attributes(mount, 0, propagation)
    return mount


def parse_options(options):
    """(attributes of the mount, propagation, options of the filesystem)."""
    attributes, propagation, data = 0, 0, []
    for option in options:
        if option in _ATTRIBUTES:
            attributes |= _ATTRIBUTES[option]
        elif option.lstrip("r") in _PROPAGATION:
            propagation = _PROPAGATION[option.lstrip("r")]
        elif option not in _DEFAULTS:
            data.append(option)
    return attributes, propagation, data


def open_source(source, recursive):
    """A private copy of the mount at the host path `source`."""
    try:
        return linux.open_tree(linux.AT_FDCWD, source, linux.OPEN_TREE_CLONE | recursive)
    except OSError as error:
        if error.errno != _ENOENT:
            raise
        raise StartError(f"{source} is not there", "mount source", "create it or change the volume") from None


def new_filesystem(fstype, data, attributes, source=None):
    """A new filesystem, attached nowhere yet."""
    context = linux.fsopen(fstype)
    if source:
        linux.fsconfig(context, linux.FSCONFIG_SET_STRING, "source", source)
    for option in data:
        name, equals, value = option.partition("=")
        command = linux.FSCONFIG_SET_STRING if equals else linux.FSCONFIG_SET_FLAG
        linux.fsconfig(context, command, name, value if equals else None)
    linux.fsconfig(context, linux.FSCONFIG_CMD_CREATE)
    mount = linux.fsmount(context, attributes)
    close(context)
    return mount


def attach(root, destination, mount, directory):
    """Attach `mount` at `destination` inside `root`, making the directory or file where it is missing."""
    parts = [part for part in destination.split("/") if part]
    kernel = "/" + parts[0] if parts and "/" + parts[0] in _KERNEL_FILESYSTEMS else None
    if parts[:1] == ["proc"] and len(parts) > 1 and (len(parts) > 2 or parts[1] not in _PROC_FILES):
        raise StartError(f"nothing may be mounted at {destination}", "mounts", "/proc is the kernel's")
    ensure = rootpath.ensure_directory if directory else rootpath.ensure_file
    try:
        target = ensure(root, destination, follow=kernel is None)
    except OSError as error:
        if error.errno != _ELOOP or kernel is None:
            raise
        raise StartError(
            f"{destination} of the image is a symbolic link", "mounts", "the image is hostile or broken"
        ) from None
    if directory and not rootpath.is_directory(target):
        raise StartError(f"{destination} of the image is not a directory", "mounts", "mount elsewhere")
    linux.move_mount(mount, target)
    close(target)


def set_attributes(mount, attributes, propagation=0, recursive=0):
    """Add attributes to an attached mount; before kernel 5.12 by a remount, then not of the mounts below it."""
    if not attributes and not propagation:
        return
    try:
        linux.mount_setattr(mount, "", recursive, attributes, 0, propagation)
    except OSError as error:
        if error.errno != linux.ENOSYS:
            raise
        remount(mount, attributes, propagation)


def remount(mount, attributes, propagation=0):
    """mount_setattr by means of kernel 5.4; /proc is still the host's, and shows our descriptors."""
    name = f"/proc/self/fd/{mount}"
    if attributes:
        added = sum(old for new, old in _OLD_FLAGS.items() if attributes & new)
        kept = fstatvfs(mount).f_flag & _KEPT_FLAGS  # a remount replaces all of them
        linux.mount(None, name, None, linux.MS_REMOUNT | linux.MS_BIND | added | kept)
    if propagation:
        linux.mount(None, name, None, propagation)


def place_cgroups(root, destination, attributes, cgroup):
    """Show the container its own cgroups as the host has them: one v2 tree, or a tmpfs with one v1 tree each.

    A v1 hierarchy in which the container has no folder would show the host's root, so it is left out.
    """
    if not cgroup or not cgroup.v1:
        mount = new_filesystem("cgroup2" if cgroup else "tmpfs", [], attributes)
        attach(root, destination, mount, directory=True)
        return mount
    parent = new_filesystem("tmpfs", ["mode=755"], attributes & ~linux.MOUNT_ATTR_RDONLY)
    attach(root, destination, parent, directory=True)
    for mountpoint, controllers in cgroup.mounted.items():
        name = mountpoint.rpartition("/")[2]
        mkdir(name, 0o755, dir_fd=parent)
        target = open_file(name, linux.O_PATH | O_CLOEXEC, dir_fd=parent)
        linux.move_mount(new_filesystem("cgroup", controllers, attributes), target)
    set_attributes(parent, attributes)
    return parent


def make_devices(root, placed, extra):
    """Make the standard nodes and links, and those asked for, in the container's /dev."""
    dev = placed.get("/dev") or rootpath.ensure_directory(root, "/dev", follow=False)
    dev = open_file(".", rootpath.OPEN_DIRECTORY, dir_fd=dev)
    placed["/dev"] = dev
    for name, numbers in _NODES.items():
        _make(mknod, name, 0o666 | _CHARACTER_DEVICE, makedev(*numbers), dir_fd=dev)
    for name, target in _LINKS.items():
        _make(symlink, target, name, dir_fd=dev)
    for device in extra:
        make_device(root, device)


def _make(call, *arguments, **options):
    try:
        call(*arguments, **options)
    except FileExistsError:
        pass  # an OCI bundle may bring a /dev of its own


def make_device(root, device):
    """One more node: after a host path (`source`), or an OCI entry with type, major and minor."""
    if "source" in device:
        found = stat(device["source"])
        mode, number = found.st_mode, found.st_rdev
    else:
        kind = 0o060000 if device["type"] == "b" else _CHARACTER_DEVICE
        mode, number = kind | device.get("fileMode", 0o666), makedev(device["major"], device["minor"])
    parent, _, name = device["path"].rpartition("/")
    folder = rootpath.ensure_directory(root, parent or "/")
    _make(mknod, name, mode, number, dir_fd=folder)
    close(folder)


def set_sysctls(proc, spec):
    """Write `linux.sysctl` through our own /proc; only what belongs to a namespace of the container."""
    for name, value in spec["linux"].get("sysctl", {}).items():
        if not name.startswith(_NAMESPACED_SYSCTLS) or (
            name.startswith("net.") and not namespaces.has_new(spec, "network")
        ):
            raise StartError(f"sysctl {name} belongs to the host", "linux.sysctl", "set it on the host")
        file = open_file("sys/" + name.replace(".", "/"), O_WRONLY | O_CLOEXEC, dir_fd=proc)
        write(file, value.encode())
        close(file)


def cover_paths(spec, root, placed):
    """Mask and write-protect what OCI's maskedPaths and readonlyPaths name; what is not there needs no cover."""
    null = open_file("null", linux.O_PATH | O_CLOEXEC, dir_fd=placed["/dev"])
    empty = None
    for path in spec["linux"].get("maskedPaths", ()):
        target = find(root, path)
        if target is None:
            continue
        if rootpath.is_directory(target):
            empty = cover_directory(target, empty)
        else:
            linux.move_mount(linux.open_tree(null), target)
    for path in spec["linux"].get("readonlyPaths", ()):
        target = find(root, path)
        if target is not None:
            protect(target)


def find(root, path):
    """Open `path` in `root`, without following any link; None when there is nothing."""
    try:
        return rootpath.open_in_root(root, path, follow=False)
    except OSError as error:
        if error.errno == _ENOENT:
            return None
        raise


def cover_directory(target, empty):
    """Attach an empty read-only directory: a new one, or a copy of the mount `empty`; returns it."""
    if empty is None:
        empty = new_filesystem("tmpfs", ["nr_inodes=1"], linux.MOUNT_ATTR_RDONLY)
        linux.move_mount(empty, target)
        return empty
    linux.move_mount(linux.open_tree(empty), target)
    return empty


def protect(target):
    """Mount `target` on itself, read-only."""
    tree = linux.open_tree(target, "", linux.OPEN_TREE_CLONE | linux.AT_RECURSIVE)
    linux.move_mount(tree, target)
    set_attributes(tree, linux.MOUNT_ATTR_RDONLY, recursive=linux.AT_RECURSIVE)


def attach_console(dev, devpts, number):
    """Make the terminal `number` of `devpts` the container's /dev/console."""
    close(open_file("console", O_CREAT | O_CLOEXEC, 0o600, dir_fd=dev))
    target = open_file("console", linux.O_PATH | O_CLOEXEC, dir_fd=dev)
    linux.move_mount(linux.open_tree(devpts, str(number)), target)
    close(target)


def enter_root(spec, root):
    """Make `root` the root of this mount namespace and drop the old one (pivot_root(2))."""
    # Still root, in the container's namespaces; the host's tree is under "." until the unmount.
    if spec["root"].get("readonly"):
        set_attributes(root, linux.MOUNT_ATTR_RDONLY)
    fchdir(root)
    linux.pivot_root(".", ".")
    linux.umount2(".", linux.MNT_DETACH)
    chdir("/")
