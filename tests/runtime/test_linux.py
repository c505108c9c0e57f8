"""System calls say who they are when they fail, and each newer one has its way back."""

import os
import signal
import struct

import pytest

from runtime import linux
from tests.sandbox import in_sandbox


def not_on_this_kernel(*_, **__):
    raise OSError(linux.ENOSYS, "not on this kernel")


def test_a_failure_names_the_call_and_keeps_the_errno():
    with pytest.raises(OSError, match="umount2: Invalid argument") as caught:
        linux.umount2(b"/proc/self/fd")
    assert caught.value.errno == 22


def test_str_and_bytes_are_paths_and_a_null_byte_is_refused():
    for path in ("/", b"/"):
        os.close(linux.openat2(linux.AT_FDCWD, path, linux.O_PATH))
    with pytest.raises(ValueError, match="null byte"):
        linux.openat2(linux.AT_FDCWD, "/etc\0/passwd", linux.O_PATH)


def test_a_machine_without_a_table_is_an_error_that_says_so(monkeypatch):
    monkeypatch.setattr(linux, "_NUMBER", {})
    with pytest.raises(OSError, match="no table of system calls"):
        linux.prctl(linux.PR_GET_DUMPABLE)


@pytest.mark.parametrize("has_close_range", [True, False])
def test_close_range_closes_all_from_a_number_on(monkeypatch, has_close_range):
    if not has_close_range:
        call = linux._call
        monkeypatch.setattr(
            linux, "_call", lambda name, *rest: not_on_this_kernel() if name == "close_range" else call(name, *rest)
        )
    pid = os.fork()
    if pid == 0:
        for _ in range(40):
            os.dup(0)
        first = os.dup(0) - 20
        linux.close_range(first)
        os._exit(0 if max(map(int, os.listdir("/proc/self/fd"))) <= first else 1)
    assert os.waitpid(pid, 0)[1] == 0


@pytest.mark.parametrize("has_clone3", [True, False])
def test_a_clone_has_a_pidfd_that_signals_exactly_it(monkeypatch, has_clone3):
    if not has_clone3:
        call = linux._call
        monkeypatch.setattr(
            linux,
            "_call",
            lambda name, *rest, **how: not_on_this_kernel() if name == "clone3" else call(name, *rest, **how),
        )
    pid, pidfd = linux.clone3(0)
    if pid == 0:
        signal.pause()
        os._exit(0)
    linux.pidfd_send_signal(pidfd, signal.SIGKILL)
    assert os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1]) == -signal.SIGKILL
    os.close(pidfd)


@pytest.mark.root
def test_what_a_filter_refuses_is_refused():
    pid = os.fork()
    if pid == 0:
        linux.prctl(linux.PR_SET_NO_NEW_PRIVS, 1)
        number = linux._NUMBER["sethostname"]
        program = [(0x20, 0, 0, 0), (0x15, 0, 1, number), (0x06, 0, 0, 0x50000 | 7), (0x06, 0, 0, 0x7FFF0000)]
        linux.seccomp(b"".join(struct.pack("HBBI", *each) for each in program))
        try:
            linux.sethostname("x")
        except OSError as error:
            os._exit(error.errno)
        os._exit(0)
    assert os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1]) == 7


@pytest.mark.root
@in_sandbox
def test_a_tree_is_copied_changed_and_attached_by_descriptor():
    os.makedirs("/run/target")
    tree = linux.open_tree(linux.AT_FDCWD, "/run")
    target = os.open("/run/target", linux.O_PATH)
    linux.move_mount(tree, target)
    linux.mount_setattr(tree, attr_set=linux.MOUNT_ATTR_RDONLY)
    with pytest.raises(OSError, match="Read-only"):
        os.mkdir("/run/target/x")
    assert linux.fstatfs(tree) == 0x01021994  # tmpfs
