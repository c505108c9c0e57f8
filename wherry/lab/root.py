"""A host's root file system: an overlay, the kernel's own file systems, and what makes it that host.

Runs as the host's process 1 while the machine's files are still in sight; see host.py.
"""

from __future__ import annotations

import errno
import os
import shutil
import stat
import subprocess
import sys

from wherry.lab import cgroups
from wherry.lab.namespaces import MS_NODEV, MS_NOEXEC, MS_NOSUID, bind, mount
from wherry.lab.plan import HostPlan

# On a disk of their own because the runtime makes overlays there, and an overlay cannot lie on another one.
ON_DISK = ("/var/lib/wherry", "/tmp", "/var/tmp", "/root")
DEVICES = {"null": (1, 3), "zero": (1, 5), "full": (1, 7), "random": (1, 8), "urandom": (1, 9), "tty": (5, 0)}
LINKS = {"ptmx": "pts/ptmx", "fd": "/proc/self/fd", "stdin": "fd/0", "stdout": "fd/1", "stderr": "fd/2"}
PATH = "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin"
ENVIRONMENT = {"PATH": PATH, "LANG": "C.UTF-8"}


def build(plan: HostPlan) -> str:
    """Mount a host's whole root below its folder and return the path; this mount namespace must be private."""
    root = os.path.join(plan.folder, "root")
    mount_overlay(plan.folder, plan.lower)
    hide_lab(root, os.path.dirname(plan.state))
    bind_disk(root, os.path.join(plan.folder, "disk"))
    mount_kernel(root)
    make_devices(root)
    mount_cgroups(root)
    write_identity(root, plan)
    ensure_python(root)
    return root


def mount_overlay(folder: str, lower: str) -> None:
    """Mount `folder`/root over `lower`; on a tmpfs where the file system below cannot carry an overlay."""
    try:
        _mount_overlay(folder, lower)
    except OSError as error:
        if error.errno not in (errno.EINVAL, errno.EOPNOTSUPP):
            raise
        mount("tmpfs", folder, "tmpfs", MS_NOSUID, "mode=700")
        _mount_overlay(folder, lower)


def _mount_overlay(folder: str, lower: str) -> None:
    for name in ("upper", "work", "root", "disk"):
        os.makedirs(os.path.join(folder, name), exist_ok=True)
    os.chmod(os.path.join(folder, "upper"), 0o755)  # noqa: S103 - becomes the host's /
    os.chdir(folder)  # short names: a comma or colon in the project's path would need escapes
    mount("overlay", "root", "overlay", 0, f"lowerdir={lower},upperdir=upper,workdir=work")


def hide_lab(root: str, state: str) -> None:
    """Cover the lab's own files (keys, other hosts' overlays) where the host sees this machine's /."""
    if os.path.isdir(root + state):
        mount("tmpfs", root + state, "tmpfs", MS_NOSUID | MS_NODEV, "size=4k,mode=700")


def bind_disk(root: str, disk: str) -> None:
    """Bind empty directories of the real file system, with the modes a fresh machine has."""
    for path in ON_DISK:
        os.makedirs(disk + path, mode=0o700, exist_ok=True)
        os.chmod(disk + path, 0o1777 if path.endswith("/tmp") else 0o700)
        os.makedirs(root + path, exist_ok=True)
        bind(disk + path, root + path)


def mount_kernel(root: str) -> None:
    """Mount /proc, /sys, /run and /dev, all of this host's own namespaces."""
    quiet = MS_NOSUID | MS_NODEV | MS_NOEXEC
    for path in ("/proc", "/sys", "/run", "/dev"):
        os.makedirs(root + path, exist_ok=True)
    mount("proc", root + "/proc", "proc", quiet)
    mount("sysfs", root + "/sys", "sysfs", quiet)
    mount("tmpfs", root + "/run", "tmpfs", MS_NOSUID | MS_NODEV, "mode=755")
    mount("tmpfs", root + "/dev", "tmpfs", MS_NOSUID, "mode=755")
    for path, options in (("/dev/pts", "newinstance,ptmxmode=666,mode=620,gid=5"), ("/dev/shm", "mode=1777")):
        os.mkdir(root + path)
        mount(path[5:], root + path, "devpts" if path.endswith("pts") else "tmpfs", MS_NOSUID, options)
    for path in ("/run/sshd", "/run/lock"):
        os.mkdir(root + path)


def make_devices(root: str) -> None:
    """Make the device nodes and links that every Linux has (the kernel's devices.txt)."""
    for name, (major, minor) in DEVICES.items():
        path = f"{root}/dev/{name}"
        os.mknod(path, 0o666 | stat.S_IFCHR, os.makedev(major, minor))
        os.chmod(path, 0o666)  # noqa: S103 - as on every Linux; mknod obeys the umask
    for name, target in LINKS.items():
        os.symlink(target, f"{root}/dev/{name}")


def mount_cgroups(root: str) -> None:
    """Mount the same hierarchies as outside; the cgroup namespace makes the host's own cgroup their root."""
    os.makedirs(root + cgroups.ROOT, exist_ok=True)
    mount("tmpfs", root + cgroups.ROOT, "tmpfs", MS_NOSUID | MS_NODEV | MS_NOEXEC, "mode=755")
    for hierarchy in cgroups.hierarchies():
        os.makedirs(root + hierarchy.at, exist_ok=True)
        mount(hierarchy.kind, root + hierarchy.at, hierarchy.kind, 0, hierarchy.options or None)


def write_identity(root: str, plan: HostPlan) -> None:
    """Write who the host is and who may log in."""
    names = "\n".join(f"{address} {name}" for name, address in plan.neighbours.items())
    _write(root + "/etc/hostname", plan.name + "\n")
    _write(root + "/etc/hosts", f"127.0.0.1 localhost\n{names}\n")
    _write(root + "/root/.ssh/authorized_keys", plan.authorized_key + "\n", 0o600)
    os.chmod(root + "/root/.ssh", 0o700)
    for name in (".bashrc", ".profile"):
        if os.path.exists(f"{root}/etc/skel/{name}"):
            shutil.copyfile(f"{root}/etc/skel/{name}", f"{root}/root/{name}")
    os.makedirs(root + "/etc/ssh", exist_ok=True)
    shutil.copyfile(plan.key, root + plan.HOST_KEY)
    os.chmod(root + plan.HOST_KEY, 0o600)


def ensure_python(root: str) -> None:
    """Give the host a `python3` of 3.9 or newer: its own, else the one that runs the lab, bound read-only."""
    if _python_works(root):
        return
    prefix = sys.base_prefix
    os.makedirs(root + prefix, exist_ok=True)
    bind(prefix, root + prefix, read_only=True)
    link = root + "/usr/local/bin/python3"
    os.makedirs(os.path.dirname(link), exist_ok=True)
    if os.path.lexists(link):
        os.unlink(link)
    os.symlink(f"{prefix}/bin/python3", link)
    if not _python_works(root):
        raise OSError(errno.ENOEXEC, f"the host has no Python 3.9 or newer, and {prefix} does not run there", root)


def _python_works(root: str) -> bool:
    check = "import ctypes, hashlib, json, sys, zlib; sys.exit(sys.version_info < (3, 9))"
    ended = subprocess.run(
        ["/bin/sh", "-c", f'exec python3 -I -S -c "{check}"'],
        preexec_fn=lambda: _chroot(root),  # this process has one thread
        env=ENVIRONMENT,
        stdin=subprocess.DEVNULL,
        capture_output=True,
        check=False,
    )
    return ended.returncode == 0


def _chroot(root: str) -> None:
    os.chroot(root)
    os.chdir("/")


def _write(path: str, text: str, mode: int = 0o644) -> None:
    os.makedirs(os.path.dirname(path), exist_ok=True)
    with open(path, "w", encoding="utf-8") as file:
        file.write(text)
    os.chmod(path, mode)
