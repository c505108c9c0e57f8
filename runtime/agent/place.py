"""A name in an open directory: what is done to it cannot be led elsewhere by a link that is swapped in meanwhile."""

import errno
import os
import stat

from ..errors import NoSpace, NotFound, UsageError, WherryError
from .modes import group_name, user_name

KINDS = {
    stat.S_IFREG: "file",
    stat.S_IFDIR: "directory",
    stat.S_IFLNK: "link",
    stat.S_IFIFO: "fifo",
    stat.S_IFSOCK: "socket",
    stat.S_IFCHR: "char",
    stat.S_IFBLK: "block",
}


class Entry:
    """What lies at a path: `kind`, `mode` (permission bits), `uid`, `gid`, `owner`, `group`, `size`, `mtime`, `target` of a link."""

    def __init__(self, status, target=None):
        self.kind = KINDS[stat.S_IFMT(status.st_mode)]
        self.mode, self.uid, self.gid = stat.S_IMODE(status.st_mode), status.st_uid, status.st_gid
        self.size, self.mtime, self.target = status.st_size, status.st_mtime, target
        self.device, self.inode, self.links = status.st_dev, status.st_ino, status.st_nlink

    owner = property(lambda self: user_name(self.uid))
    group = property(lambda self: group_name(self.gid))


class Place:
    """`path` as (descriptor of its directory, name); NotFound when the directory is missing.  A context manager.

    follow: when the last name is a link, the place is where it leads.
    """

    def __init__(self, path, follow=False):
        path = os.fspath(path)
        if not isinstance(path, str) or not path.startswith("/") or "\0" in path:
            raise UsageError(f"{path!r} is not an absolute path on the host")
        self.path = os.path.realpath(path) if follow and os.path.islink(path) else os.path.normpath(path)
        folder, self.name = os.path.split(self.path)
        with explained(folder):
            self.folder = os.open(folder, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)

    def __enter__(self):
        return self

    def __exit__(self, *error):
        os.close(self.folder)

    def entry(self):
        """What lies there now, None for nothing; a link is not followed."""
        if not self.name:
            return Entry(os.stat(self.folder))
        try:
            status = os.stat(self.name, dir_fd=self.folder, follow_symlinks=False)
        except FileNotFoundError:
            return None
        return Entry(status, os.readlink(self.name, dir_fd=self.folder) if stat.S_ISLNK(status.st_mode) else None)

    def open(self, flags=os.O_RDONLY, mode=0o600):
        """A descriptor of what lies there; a link is refused, a fifo does not block."""
        flags |= os.O_NOFOLLOW | os.O_CLOEXEC | os.O_NONBLOCK
        return os.open(self.name or ".", flags, mode, dir_fd=self.folder)

    def beside(self, name):
        """The place of another name in the same directory."""
        other = object.__new__(Place)
        other.folder, other.name, other.path = os.dup(self.folder), name, os.path.join(os.path.dirname(self.path), name)
        return other

    def temporary(self):
        """A place beside this one whose name nobody can guess."""
        return self.beside(f".{self.name[:200]}.{os.urandom(6).hex()}.wherry")

    def rename_to(self, other):
        """Put what lies here in the other's place, in one step, and make that last."""
        os.rename(self.name, other.name, src_dir_fd=self.folder, dst_dir_fd=other.folder)
        os.fsync(other.folder)

    def unlink(self):
        """Remove the file or link that lies here, if any."""
        try:
            os.unlink(self.name, dir_fd=self.folder)
        except FileNotFoundError:
            pass


class explained:  # noqa: N801 - reads as a phrase: with explained(path)
    """Turn an OSError into an error that names the path and what to do."""

    def __init__(self, path):
        self._path = path

    def __enter__(self):
        return self

    def __exit__(self, kind, error, trace):
        if kind is not None and issubclass(kind, OSError):
            raise explain(error, self._path) from None


HINTS = {
    errno.EROFS: (WherryError, "the file system is read-only", "remount it writable; `mount` shows why it is not"),
    errno.EACCES: (WherryError, "permission denied", "use become, or correct the permissions of the folder"),
    errno.EPERM: (WherryError, "not permitted", "the file may be immutable (lsattr), or belong to somebody else"),
    errno.EBUSY: (WherryError, "is a mount point", "unmount it, or write to the file that is mounted there"),
    errno.ENOENT: (NotFound, "no such file or directory", ""),
    errno.ENOTDIR: (NotFound, "a part of the path is not a directory", ""),
    errno.EISDIR: (UsageError, "is a directory", "name a file"),
    errno.ELOOP: (UsageError, "is a symbolic link", "use follow, or name the file it leads to"),
    errno.ENOSPC: (NoSpace, "the disk is full, nothing was changed", "free space (df) or inodes (df -i) and run again"),
    errno.EDQUOT: (NoSpace, "the quota is used up, nothing was changed", "free space or raise the quota and run again"),
}


def explain(error, path):
    """The readable error of this tree for an OSError at a path."""
    kind, what, hint = HINTS.get(error.errno, (WherryError, error.strerror or str(error), ""))
    return kind(what, path, hint)
