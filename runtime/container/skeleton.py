"""The lowest layer of every container: the mount points that each needs, so that none is made in its own upper layer."""

import posix

from .. import state
from . import etc

FOLDERS = ("dev", "etc", "proc", "sys")


def ensure(dirs):
    """The directory that holds them, made if it is not there: an image's own files lie above it."""
    path = f"{dirs.root}/skeleton"
    if not state.exists(path):
        _make(path)
    return path


def _make(path):
    new = f"{path}.{posix.getpid()}.new"
    state.remove_tree(new)
    posix.mkdir(new)
    for name in FOLDERS:
        posix.mkdir(f"{new}/{name}")
        posix.chmod(f"{new}/{name}", 0o755)
    for name in etc.FILES:
        file = posix.open(f"{new}/etc/{name}", posix.O_WRONLY | posix.O_CREAT | posix.O_CLOEXEC)
        posix.fchmod(file, 0o644)
        posix.close(file)
    posix.chmod(new, 0o755)  # below a directory of mode 0700
    try:
        posix.rename(new, path)
    except OSError:
        if not state.exists(path):
            raise
        state.remove_tree(new)  # another command was faster
