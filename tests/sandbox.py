"""Run a test's body in namespaces of its own, so that mounts, devices and rules never touch this machine."""

import functools
import glob
import os
import shutil
import subprocess
import sys
import tempfile
import traceback

from runtime import linux
from runtime.errors import NotFound
from runtime.process import cgroup

NAMESPACES = 0x00020000 | 0x04000000 | 0x08000000 | 0x20000000 | 0x40000000  # mount, uts, ipc, pid, net


def in_sandbox(test):
    """Decorate a test: its body runs in a forked child with new mount, net, pid, ipc and uts namespaces.

    /run is a fresh tmpfs, /var/lib/wherry a fresh directory on a real disk; a failure there fails the test here.
    """

    @functools.wraps(test)
    def wrapper(*args, **kwargs):
        disk = tempfile.mkdtemp(prefix="wherry-sandbox-", dir="/var/tmp")
        try:
            failure = _run(disk, lambda: test(*args, **kwargs))
        finally:
            remove_cgroups(disk)
            shutil.rmtree(disk, ignore_errors=True)
        assert failure == "", failure

    return wrapper


def remove_cgroups(disk):
    """Remove the cgroups of containers that ended with the sandbox: nobody was left there to do it."""
    for folder in glob.glob(f"{disk}/containers/*"):
        try:
            cgroup.open(f"wherry/{os.path.basename(folder)}").remove()
        except NotFound:
            pass  # removed as it should be


def _run(disk, body):
    reader, writer = os.pipe()
    outer = os.fork()
    if outer == 0:
        os.close(reader)
        linux.unshare(NAMESPACES)
        inner = os.fork()
        if inner == 0:
            os._exit(_inside(disk, body, writer))
        os.close(writer)
        os._exit(os.waitstatus_to_exitcode(os.waitpid(inner, 0)[1]) & 0xFF)
    os.close(writer)
    with os.fdopen(reader) as pipe:
        failure = pipe.read()
    status = os.waitstatus_to_exitcode(os.waitpid(outer, 0)[1])
    return failure or (f"the sandbox ended with {status}" if status else "")


def _inside(disk, body, writer):
    try:
        _prepare(disk)
        body()
    except BaseException:  # noqa: BLE001 - the outermost loop of this process: everything is reported to the parent
        os.write(writer, traceback.format_exc().encode()[-60000:])
        return 1
    finally:
        sys.stdout.flush()
        sys.stderr.flush()
    return 0


def _prepare(disk):
    linux.mount("none", "/", None, linux.MS_REC | linux.MS_PRIVATE, None)
    linux.mount("proc", "/proc", "proc", 0, None)
    linux.mount("tmpfs", "/run", "tmpfs", 0, "mode=755")
    os.makedirs("/var/lib/wherry", exist_ok=True)
    linux.mount(disk, "/var/lib/wherry", None, linux.MS_BIND, None)
    subprocess.run(["ip", "link", "set", "lo", "up"], check=True)
    os.environ.update(WHERRY_ROOT="/var/lib/wherry", WHERRY_STATE="/run/wherry")
