"""The entries of a layer, made below this process's root: for a process that is shut into the layer's directory.

Names never leave that root: `..` and absolute names are refused, links in the middle of a name resolve inside, the last
part of a name is never followed. Whiteouts become overlayfs's own marks (OCI image-spec layer.md, kernel
Documentation/filesystems/overlayfs.rst). Times and attributes of directories come last, because entries disturb them.
"""

import errno
import os
import stat

from .. import linux, state
from ..errors import ArchiveError, KernelError, NoSpace
from . import tar
from .stream import write_all

DEEPEST = 256  # parts of a name: more than any image has, few enough for every walk of the tree
LONGEST_NAME = 3500  # bytes: the rest of PATH_MAX is for the store's own path
MOST_ENTRIES = 4_000_000
MOST_BYTES = 64 << 30
MOST_NOTICES = 20
WHITEOUT, WHITEOUT_META, OPAQUE = b".wh.", b".wh..wh.", b".wh..wh..opq"
FULL = (errno.ENOSPC, errno.EDQUOT)
NOT_THE_ARCHIVE = (errno.EIO, errno.EROFS, errno.EPERM, errno.EACCES, errno.ENOMEM, errno.EMFILE)
UNSUPPORTED = (errno.EOPNOTSUPP, errno.EPERM, errno.EINVAL)
NEW_FILE = os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_NOFOLLOW | os.O_CLOEXEC
A_DIRECTORY = os.O_RDONLY | os.O_DIRECTORY | os.O_NOFOLLOW | os.O_CLOEXEC
JUST_A_PLACE = linux.O_PATH | os.O_DIRECTORY | os.O_CLOEXEC


class Layer:
    """The layer that grows below this process's root."""

    def __init__(self, most_bytes=MOST_BYTES, most_entries=MOST_ENTRIES):
        self._most_bytes, self._most_entries = most_bytes, most_entries
        self._entries = self._content = 0
        self._notices = []
        self._directories = {}  # path: (mtime, xattrs), set at the end because later entries would disturb them
        self._parent, self._parent_path = os.open(".", JUST_A_PLACE), b""

    def unpack(self, stream):
        """Make every entry of the tar `stream`; a summary. ArchiveError or NoSpace name the entry."""
        for entry in tar.Tar(stream):
            try:
                self._make(entry, stream)
            except (OSError, ArchiveError) as error:
                raise explained(error, entry) from None
        for _ in stream.rest():  # padding: part of what the digest covers
            pass
        self._finish_directories()
        return {"entries": self._entries, "content": self._content, "notices": self._notices}

    def _make(self, entry, stream):
        parts = parts_of(entry.name)
        self._count(entry)
        if not parts:
            self._make_root(entry)
        elif WHITEOUT in entry.name and any(part.startswith(WHITEOUT) for part in parts):
            self._make_whiteout(parts, entry)
        elif entry.kind in (tar.CHARACTER, tar.BLOCK_DEVICE, tar.FIFO):
            self._pass_over_device(parts, entry)
        else:
            parent = self._enter_parent(parts[:-1])
            self._makers[entry.kind](self, parent, parts, entry, stream)

    def _count(self, entry):
        self._entries += 1
        self._content += entry.size
        if self._entries > self._most_entries:
            raise too_much(f"more than {self._most_entries} entries", self._most_entries < MOST_ENTRIES, entry)
        if self._content > self._most_bytes:
            raise too_much(f"more than {self._most_bytes} bytes", self._most_bytes < MOST_BYTES, entry)

    # --- where ---------------------------------------------------------------------------------------------------------

    def _enter_parent(self, parts):
        """A descriptor of the directory `parts`, made where the layer has not named it; good until the next call."""
        path = b"/".join(parts)
        if path != self._parent_path:
            parent = self._open_directory(parts, path)
            os.close(self._parent)
            self._parent, self._parent_path = parent, path
        return self._parent

    def _open_directory(self, parts, path):
        try:
            return os.open(path or b".", JUST_A_PLACE)
        except FileNotFoundError:
            for count in range(1, len(parts) + 1):
                try:
                    os.mkdir(b"/".join(parts[:count]), 0o755)
                except FileExistsError:
                    pass
            return os.open(path, JUST_A_PLACE)

    def _clear(self, parent, name):
        """Remove what is at `name`: the last of two entries with one name wins."""
        self._parent_path = None  # what was opened before may lie in what goes
        try:
            os.unlink(name, dir_fd=parent)
        except IsADirectoryError:
            os.fchdir(parent)
            state.remove_tree(os.fsdecode(name))
            os.chdir("/")

    def _is_whiteout(self, parent, name):
        found = os.stat(name, dir_fd=parent, follow_symlinks=False)
        return stat.S_ISCHR(found.st_mode) and found.st_rdev == 0

    # --- entries -------------------------------------------------------------------------------------------------------

    def _make_root(self, entry):
        if entry.kind != tar.DIRECTORY:
            raise ArchiveError(f"the root as a {entry.kind}", tar.shown(entry.name))
        fd = os.open(".", A_DIRECTORY)
        self._own_directory(fd, b".", entry)

    def _make_file(self, parent, parts, entry, stream):
        name = parts[-1]
        try:
            fd = os.open(name, NEW_FILE, entry.mode & 0o777, dir_fd=parent)
        except FileExistsError:
            self._clear(parent, name)
            fd = os.open(name, NEW_FILE, entry.mode & 0o777, dir_fd=parent)
        for piece in stream.pieces(entry.size):
            write_all(fd, piece)
        os.fchown(fd, entry.uid, entry.gid)
        if entry.mode & 0o7000:  # chown takes them away
            os.fchmod(fd, entry.mode)
        if entry.xattrs:
            self._set_xattrs(fd, entry.xattrs, entry.name)
        os.utime(fd, ns=(entry.mtime, entry.mtime))
        os.close(fd)

    def _make_directory(self, parent, parts, entry, _stream):
        name = parts[-1]
        try:
            os.mkdir(name, 0o700, dir_fd=parent)
        except FileExistsError:
            self._make_way_for_directory(parent, name)
        self._own_directory(os.open(name, A_DIRECTORY, dir_fd=parent), b"/".join(parts), entry)

    def _make_way_for_directory(self, parent, name):
        found = os.stat(name, dir_fd=parent, follow_symlinks=False)
        if stat.S_ISDIR(found.st_mode):
            return
        replaces = self._is_whiteout(parent, name)
        self._clear(parent, name)
        os.mkdir(name, 0o700, dir_fd=parent)
        if replaces:
            self._make_opaque(parent, name)

    def _own_directory(self, fd, path, entry):
        os.fchown(fd, entry.uid, entry.gid)
        os.fchmod(fd, entry.mode)
        os.close(fd)
        self._directories[path] = (entry.mtime, entry.xattrs)

    def _make_symlink(self, parent, parts, entry, _stream):
        name = parts[-1]
        if not entry.link or b"\0" in entry.link:
            raise ArchiveError("a link to nothing", tar.shown(entry.name))
        try:
            os.symlink(entry.link, name, dir_fd=parent)
        except FileExistsError:
            self._clear(parent, name)
            os.symlink(entry.link, name, dir_fd=parent)
        os.chown(name, entry.uid, entry.gid, dir_fd=parent, follow_symlinks=False)
        if entry.xattrs:
            os.fchdir(parent)
            self._set_xattrs(name, entry.xattrs, entry.name, follow_symlinks=False)
            os.chdir("/")
        os.utime(name, ns=(entry.mtime, entry.mtime), dir_fd=parent, follow_symlinks=False)

    def _make_hard_link(self, parent, parts, entry, _stream):
        target = self._target(entry)
        if target == parts:
            raise ArchiveError("a hard link to itself", tar.shown(entry.name))
        if target[0] == b"dev" and not os.path.lexists(b"/".join(target)):
            return  # to a device that was passed over
        source = open_without_links(target[:-1])
        try:
            found = os.stat(target[-1], dir_fd=source, follow_symlinks=False)
            if not (stat.S_ISREG(found.st_mode) or stat.S_ISLNK(found.st_mode)):
                raise ArchiveError("a hard link to what is no file", tar.shown(entry.name), tar.shown(entry.link))
            if os.path.lexists(b"/".join(parts)):
                self._clear(parent, parts[-1])
            os.link(target[-1], parts[-1], src_dir_fd=source, dst_dir_fd=parent, follow_symlinks=False)
        finally:
            os.close(source)

    def _target(self, entry):
        try:
            target = parts_of(entry.link)
        except ArchiveError as error:
            raise ArchiveError(f"a hard link to {tar.shown(entry.link)}: {error.what}", tar.shown(entry.name)) from None
        if not target:
            raise ArchiveError("a hard link to the root", tar.shown(entry.name))
        return target

    def _pass_over_device(self, parts, entry):
        if parts[0] != b"dev":
            raise ArchiveError(f"a device ({entry.kind}) outside dev/", tar.shown(entry.name))
        if len(self._notices) < MOST_NOTICES:
            self._notices.append(
                f"{tar.shown(entry.name)}: {entry.kind} device not made; a container gets its own /dev"
            )

    _makers = {
        tar.FILE: _make_file,
        tar.DIRECTORY: _make_directory,
        tar.SYMLINK: _make_symlink,
        tar.HARD_LINK: _make_hard_link,
    }

    # --- what hides the layers below ------------------------------------------------------------------------------------

    def _make_whiteout(self, parts, entry):
        name = parts[-1]
        if any(part.startswith(WHITEOUT_META) for part in parts[:-1]):
            return  # aufs's own bookkeeping, which docker passes over too
        if any(part.startswith(WHITEOUT) for part in parts[:-1]):
            raise ArchiveError("a whiteout used as a directory", tar.shown(entry.name))
        parent = self._enter_parent(parts[:-1])
        if name == OPAQUE:
            self._make_opaque(parent, b".")
        elif not name.startswith(WHITEOUT_META):
            self._hide(parent, name[len(WHITEOUT) :], entry)

    def _hide(self, parent, name, entry):
        if name in (b"", b".", b".."):
            raise ArchiveError("a whiteout of no name", tar.shown(entry.name))
        try:
            os.mknod(name, stat.S_IFCHR, 0, dir_fd=parent)
        except FileExistsError:
            # The layer has an entry of that name itself: it hides what is below; a directory must not merge with it.
            if stat.S_ISDIR(os.stat(name, dir_fd=parent, follow_symlinks=False).st_mode):
                self._make_opaque(parent, name)

    def _make_opaque(self, parent, name):
        fd = os.open(name, A_DIRECTORY, dir_fd=parent)
        os.setxattr(fd, "trusted.overlay.opaque", b"y")
        os.close(fd)

    # --- attributes -----------------------------------------------------------------------------------------------------

    def _set_xattrs(self, target, xattrs, name, follow_symlinks=True):
        for key, value in xattrs.items():
            if not is_kept(key):
                continue
            try:
                if isinstance(target, int):
                    os.setxattr(target, key, value)
                else:
                    os.setxattr(target, key, value, follow_symlinks=follow_symlinks)
            except OSError as error:
                if error.errno not in UNSUPPORTED:
                    raise
                if len(self._notices) < MOST_NOTICES:
                    self._notices.append(f"{tar.shown(name)}: attribute {tar.shown(key)} not kept: {error.strerror}")

    def _finish_directories(self):
        """Set what making their entries would have disturbed, the innermost first."""
        for path, (mtime, xattrs) in reversed(self._directories.items()):
            try:
                fd = os.open(path, A_DIRECTORY)
            except OSError:
                continue  # replaced by a later entry
            if xattrs:
                self._set_xattrs(fd, xattrs, path)
            os.utime(fd, ns=(mtime, mtime))
            os.close(fd)


def too_much(what, disk_is_full, entry):
    """The error for the entry at which a layer passes a limit: what the disk has left, or what any layer may have."""
    return (NoSpace if disk_is_full else ArchiveError)(what, tar.shown(entry.name))


def parts_of(name):
    """The parts of an entry's name, none for the root itself; ArchiveError for a name that points elsewhere."""
    if not name or b"\0" in name:
        raise ArchiveError("an entry without a usable name", tar.shown(name))
    if name.startswith(b"/") and name.strip(b"/"):
        raise ArchiveError("an absolute name", tar.shown(name))
    parts = [part for part in name.split(b"/") if part and part != b"."]
    if b".." in parts:
        raise ArchiveError("a name with ..", tar.shown(name))
    if len(parts) > DEEPEST or len(name) > LONGEST_NAME:
        raise ArchiveError(f"a name deeper than {DEEPEST} or longer than {LONGEST_NAME} bytes", tar.shown(name))
    return parts


def open_without_links(parts):
    """A descriptor of the directory `parts` below the root, reached without following any link."""
    fd = os.open(".", JUST_A_PLACE)
    for part in parts:
        outer = fd
        try:
            fd = os.open(part, JUST_A_PLACE | os.O_NOFOLLOW, dir_fd=outer)
        finally:
            os.close(outer)
    return fd


def is_kept(key):
    """Whether an extended attribute is the image's to set: not overlayfs's marks, not another host's SELinux label."""
    return not key.startswith((b"trusted.overlay.", b"user.overlay.")) and key != b"security.selinux"


def explained(error, entry):
    """An error while `entry` was made, as what it means: a full disk, a machine that is at fault, or a bad entry."""
    where = tar.shown(entry.name)
    if isinstance(error, ArchiveError):
        return ArchiveError(error.what, error.where if error.where == where else f"{where}: {error.where}", error.hint)
    if error.errno in FULL:
        return NoSpace("the disk is full", where)
    if error.errno in NOT_THE_ARCHIVE:
        return KernelError(f"cannot make this entry: {error.strerror}", where)
    return ArchiveError(f"this {entry.kind} cannot be made: {error.strerror}", where)
