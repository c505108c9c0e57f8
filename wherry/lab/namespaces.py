"""Namespaces and mounts by their system calls (ctypes: os.unshare and os.setns came with Python 3.12 only)."""

from __future__ import annotations

import ctypes
import os
from collections.abc import Iterator
from contextlib import contextmanager

CLONE_NEWNS = 0x00020000
CLONE_NEWCGROUP = 0x02000000
CLONE_NEWUTS = 0x04000000
CLONE_NEWIPC = 0x08000000
CLONE_NEWPID = 0x20000000
CLONE_NEWNET = 0x40000000

MS_RDONLY, MS_NOSUID, MS_NODEV, MS_NOEXEC, MS_REMOUNT = 0x1, 0x2, 0x4, 0x8, 0x20
MS_BIND, MS_REC, MS_PRIVATE = 0x1000, 0x4000, 0x40000
MNT_DETACH = 2
PR_SET_PDEATHSIG = 1

# What a lab host has of its own, in the order in which a process can join them: the mount namespace last,
# because /proc is read until then.
KINDS = {
    "cgroup": CLONE_NEWCGROUP,
    "ipc": CLONE_NEWIPC,
    "uts": CLONE_NEWUTS,
    "net": CLONE_NEWNET,
    "pid": CLONE_NEWPID,
    "mnt": CLONE_NEWNS,
}
ALL = sum(KINDS.values())

_libc = ctypes.CDLL(None, use_errno=True)
_text, _long = ctypes.c_char_p, ctypes.c_ulong
_libc.mount.argtypes = (_text, _text, _text, _long, _text)
_libc.prctl.argtypes = (ctypes.c_int, _long, _long, _long, _long)


def _call(name: str, *arguments: int | bytes | None, where: str = "") -> None:
    if getattr(_libc, name)(*arguments) == -1:
        number = ctypes.get_errno()
        raise OSError(number, f"{name}: {os.strerror(number)}", where or None)


def unshare(flags: int) -> None:
    """Put the calling thread into new namespaces (unshare(2)); a new PID namespace takes effect in its children."""
    _call("unshare", flags)


def setns(fd: int, kind: int) -> None:
    """Put the calling thread into the namespace that `fd` refers to (setns(2))."""
    _call("setns", fd, kind)


def mount(source: str, target: str, kind: str | None = None, flags: int = 0, options: str | None = None) -> None:
    """Mount a file system (mount(2))."""
    _call(
        "mount",
        os.fsencode(source),
        os.fsencode(target),
        kind.encode() if kind else None,
        flags,
        options.encode() if options else None,
        where=target,
    )


def bind(source: str, target: str, *, read_only: bool = False) -> None:
    """Show a directory or file at a second place (mount(2) with MS_BIND)."""
    mount(source, target, flags=MS_BIND)
    if read_only:
        mount(source, target, flags=MS_BIND | MS_REMOUNT | MS_RDONLY)


def pivot_root(new_root: str) -> None:
    """Make `new_root`, a mount point, the root of this mount namespace and drop the old one (pivot_root(2))."""
    os.chdir(new_root)
    _call("pivot_root", b".", b".")
    _call("umount2", b".", MNT_DETACH)
    os.chdir("/")


def die_with_parent(signal_number: int) -> None:
    """Let the kernel send this signal when the parent thread ends (prctl(2))."""
    _call("prctl", PR_SET_PDEATHSIG, signal_number, 0, 0, 0)


def sethostname(name: str) -> None:
    """Name this UTS namespace (sethostname(2))."""
    _call("sethostname", name.encode(), len(name))


def enter(pid: int) -> None:
    """Join every namespace of a lab host's first process; only a child forked after this is in its PID namespace."""
    opened = {kind: os.open(f"/proc/{pid}/ns/{kind}", os.O_RDONLY | os.O_CLOEXEC) for kind in KINDS}
    for kind, fd in opened.items():
        setns(fd, KINDS[kind])
        os.close(fd)


@contextmanager
def new_network() -> Iterator[None]:
    """Run the body of a `with` in a network namespace of its own; it lives on in processes started there."""
    with _home_network():
        unshare(CLONE_NEWNET)
        yield


@contextmanager
def network_of(pid: int) -> Iterator[None]:
    """Run the body of a `with` in the network namespace of a process.

    Only the calling thread is moved. Sockets made and processes and threads started meanwhile stay there.
    """
    with _home_network():
        fd = os.open(f"/proc/{pid}/ns/net", os.O_RDONLY | os.O_CLOEXEC)
        try:
            setns(fd, CLONE_NEWNET)
        finally:
            os.close(fd)
        yield


@contextmanager
def _home_network() -> Iterator[None]:
    home = os.open("/proc/thread-self/ns/net", os.O_RDONLY | os.O_CLOEXEC)
    try:
        yield
    finally:
        setns(home, CLONE_NEWNET)
        os.close(home)
