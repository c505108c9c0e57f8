"""Open names inside a root directory that its content controls: no link leads out, whoever swaps it meanwhile."""

from posix import O_CLOEXEC, O_DIRECTORY, O_NOFOLLOW, O_RDONLY, close, dup, fstat, mkdir, readlink
from posix import open as open_file

from .. import linux
from ..errors import StartError

_ENOENT, _ELOOP, _EAGAIN = 2, 40, 11
_LINKS = 40  # as many as the kernel follows
_IFMT, _IFLNK = 0o170000, 0o120000


def open_in_root(root, path, flags=linux.O_PATH, follow=True):
    """Open `path` as if the directory `root` were /; links are followed inside it, or refused (ELOOP) without `follow`."""
    resolve = linux.RESOLVE_IN_ROOT | linux.RESOLVE_NO_MAGICLINKS | (0 if follow else linux.RESOLVE_NO_SYMLINKS)
    for _ in range(100):
        try:
            return linux.openat2(root, path, flags, 0, resolve)
        except OSError as error:
            if error.errno == linux.ENOSYS:
                return walk(root, path, flags, follow)
            if error.errno != _EAGAIN:  # something was renamed meanwhile, so that the kernel could not be sure
                raise OSError(error.errno, error.strerror, path) from None
    raise StartError(f"{path} is renamed all the time", "open in root", "stop what changes it")


def walk(root, path, flags=linux.O_PATH, follow=True):
    """As `open_in_root`, one name at a time, for kernels before 5.6."""
    opened, names, links = [dup(root)], path.split("/")[::-1], 0
    try:
        while names:
            name = names.pop()
            if name == "..":
                _go_up(opened, len(opened) - 1 or 1)  # the root is its own parent
            elif name not in ("", "."):
                opened.append(open_file(name, linux.O_PATH | O_NOFOLLOW | O_CLOEXEC, dir_fd=opened[-1]))
                if _is_link(opened[-1]):
                    links += 1
                    if not follow or links > _LINKS:
                        raise OSError(_ELOOP, "Too many levels of symbolic links")
                    target = readlink("", dir_fd=opened[-1])
                    _go_up(opened, 1 if target.startswith("/") else len(opened) - 1)
                    names += target.split("/")[::-1]
        return _with_flags(opened[-1], flags)
    except OSError as error:
        raise OSError(error.errno, f"openat: {error.strerror}", path) from None
    finally:
        _go_up(opened, 0)


def _go_up(opened, depth):
    """Close descriptors from the end until `depth` are left."""
    while len(opened) > depth:
        close(opened.pop())


def _is_link(fd):
    return fstat(fd).st_mode & _IFMT == _IFLNK


def _with_flags(fd, flags):
    """A second descriptor of what the O_PATH descriptor `fd` names, opened with `flags`."""
    if flags & linux.O_PATH:
        return dup(fd)
    return open_file(f"/proc/self/fd/{fd}", flags & ~O_NOFOLLOW | O_CLOEXEC)


def ensure_directory(root, path, follow=True):
    """Open the directory `path` in `root`, making what is missing."""
    return _ensure(root, path, follow, directory=True)


def ensure_file(root, path, follow=True):
    """Open (O_PATH) the file `path` in `root`, making it empty, and its directories, where missing."""
    return _ensure(root, path, follow, directory=False)


def _ensure(root, path, follow, directory):
    try:
        return open_in_root(root, path, follow=follow)
    except OSError as error:
        if error.errno != _ENOENT:
            raise
    parent, _, name = path.rstrip("/").rpartition("/")
    above = _ensure(root, parent or "/", follow, directory=True)
    try:
        return _make(above, name, path, directory)
    finally:
        close(above)


def _make(above, name, path, directory):
    try:
        if directory:
            mkdir(name, 0o755, dir_fd=above)
        else:
            close(open_file(name, 0o100 | 0o200 | O_NOFOLLOW | O_CLOEXEC, 0o644, dir_fd=above))  # O_CREAT | O_EXCL
    except FileExistsError:
        # It was not there as a path: a link to nowhere. To make what it names is not for us.
        raise StartError(f"{path} is a link to something that is not there", "mounts", "mount elsewhere") from None
    return open_file(name, linux.O_PATH | O_NOFOLLOW | O_CLOEXEC, dir_fd=above)


def is_directory(fd):
    """Whether the descriptor is one of a directory."""
    return fstat(fd).st_mode & _IFMT == 0o040000


OPEN_DIRECTORY = O_RDONLY | O_DIRECTORY | O_CLOEXEC
