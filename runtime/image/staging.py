"""Half-made things: out of sight, owned by a living process, removed by the next one when their owner is gone.

A staging folder is a directory below images/tmp that its maker holds a lock on (flock(2)). The kernel drops the lock with
the process, however it ends, so that whoever can take the lock knows that nobody needs the folder any more.
"""

import errno
import fcntl
import os

from .. import state
from ..errors import KernelError, NoSpace

RESERVE = 0.05  # of what is free: left to everybody else on that disk
NAME_BYTES = 8
FULL, UNWRITABLE = (errno.ENOSPC, errno.EDQUOT), (errno.EROFS, errno.EIO, errno.EACCES)


class Staging:
    """A folder to make things in, for the length of a with block: `path`; what is still in it at the end is removed.

    A disk that is full or cannot be written becomes NoSpace or KernelError, here and inside the block.
    """

    def __init__(self, images):
        self._images, self._folder = images, f"{images}/tmp"

    def __enter__(self):
        try:
            self._make()
        except OSError as error:
            raise explained(error, self._images) from None
        return self

    def __exit__(self, kind, error, traceback):
        state.remove_tree(self.path)
        os.close(self._fd)
        if isinstance(error, OSError) and error.errno in (*FULL, *UNWRITABLE):
            raise explained(error, self._images) from None

    def _make(self):
        for folder in (self._folder, f"{self._images}/layers", f"{self._images}/blobs/sha256"):
            state.ensure_private(folder)
        with state.locked(f"{self._images}/lock"):  # between mkdir and flock the folder looks abandoned
            self._remove_abandoned()
            self.path = f"{self._folder}/{os.urandom(NAME_BYTES).hex()}"
            os.mkdir(self.path, 0o700)
            self._fd = os.open(self.path, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
            fcntl.flock(self._fd, fcntl.LOCK_EX)

    def folder(self, name):
        """A new, empty folder in it."""
        path = f"{self.path}/{name}"
        os.mkdir(path, 0o700)
        return path

    def _remove_abandoned(self):
        for name in os.listdir(self._folder):
            if is_abandoned(f"{self._folder}/{name}"):
                state.remove_tree(f"{self._folder}/{name}")


def is_abandoned(path):
    """Whether the maker of a staging folder is gone; call with the store's lock held."""
    fd = os.open(path, os.O_RDONLY | os.O_CLOEXEC)
    try:
        fcntl.flock(fd, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        return False
    finally:
        os.close(fd)
    return True


def anybody_at_work(images):
    """Whether some process is putting something into the store; call with the store's lock held."""
    folder = f"{images}/tmp"
    return state.exists(folder) and not all(is_abandoned(f"{folder}/{name}") for name in os.listdir(folder))


def room(images):
    """(bytes, inodes) that may be used up on the store's disk; None for inodes where the filesystem does not count them."""
    disk = os.statvfs(images)
    free, inodes = disk.f_bavail * disk.f_frsize, disk.f_favail
    return int(free * (1 - RESERVE)), int(inodes * (1 - RESERVE)) if disk.f_files else None


def explained(error, images):
    """An OSError of the store's disk as what it means."""
    if error.errno in FULL:
        return no_space(images, "an image does not fit")
    return KernelError(f"the store cannot be written: {error.strerror}", error.filename or images, "look at the disk")


def require_room(images, need):
    """NoSpace when `need` bytes do not fit on the store's disk."""
    have, _ = room(images)
    if need > have:
        raise no_space(images, f"{megabytes(need)} are needed")


def no_space(images, reason):
    """A NoSpace that says how much is free."""
    disk = os.statvfs(images)
    free = f"{megabytes(disk.f_bavail * disk.f_frsize)} and {disk.f_favail} inodes are free"
    return NoSpace(
        f"the disk is full: {reason}, {free}", images, "`wherry rmi` images that are not used, then try again"
    )


def megabytes(count):
    """`count` bytes for a message."""
    return f"{count / 1e6:.1f} MB"
