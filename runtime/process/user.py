"""Who `USER` of an image or `--user` is, read from the container's own /etc/passwd and /etc/group.

Both files are the image's and so hostile: links are followed inside the root only, nothing but a regular file is opened
(a FIFO would wait for ever), and only the first megabyte counts.
"""

from posix import O_CLOEXEC, O_NONBLOCK, O_RDONLY, close, fstat, read
from posix import open as open_file

from ..errors import UsageError
from . import rootpath

_LIMIT = 1 << 20
_HIGHEST = (1 << 32) - 2  # setuid(2) takes -1 for "leave as it is"
_IFMT, _REGULAR = 0o170000, 0o100000


def resolve(text, rootfs_fd):
    """(uid, gid, groups, home) of "user", "uid", "user:group" or "uid:gid"; UsageError for a name that is not there.

    As docker: a number needs no entry; without a group it is the user's own, and the groups that list the user count.
    """
    user, _, group = (text or "0").partition(":")
    name, uid, gid, home = find_user(user or "0", read_lines(rootfs_fd, "/etc/passwd"))
    group_lines = read_lines(rootfs_fd, "/etc/group")
    if group:
        return uid, find_group(group, group_lines), [], home
    return uid, gid, groups_of(name, group_lines), home


def find_user(user, lines):
    """(name, uid, gid, home) of a user by name or else by number."""
    entries = [fields for fields in lines if len(fields) >= 6 and fields[2].isdigit() and fields[3].isdigit()]
    for column in (0, 2):
        for fields in entries:
            if fields[column] == user:
                return fields[0], _number(fields[2], "user"), _number(fields[3], "group"), fields[5] or "/"
    return None, _number(user, "user"), 0, "/"


def find_group(group, lines):
    """The number of a group by name or else as it stands."""
    for fields in lines:
        if len(fields) >= 3 and fields[0] == group and fields[2].isdigit():
            return _number(fields[2], "group")
    return _number(group, "group")


def groups_of(user, lines):
    """The numbers of the groups that list `user` as a member."""
    members = [fields for fields in lines if len(fields) >= 4 and fields[2].isdigit() and user in fields[3].split(",")]
    return [_number(fields[2], "group") for fields in members] if user else []


def _number(text, what):
    if not (text.isascii() and text.isdigit()):
        raise UsageError(
            f"the image has no {what} {text}", f"/etc/{'passwd' if what == 'user' else what}", "use a number"
        )
    if int(text) > _HIGHEST:
        raise UsageError(f"{text} is too large for a {what} number", what)
    return int(text)


def read_lines(rootfs_fd, path):
    """The fields of each line of a regular file in the root; [] when there is none."""
    try:
        found = rootpath.open_in_root(rootfs_fd, path)
    except OSError:
        return []
    try:
        if fstat(found).st_mode & _IFMT != _REGULAR:
            return []
        content = _beginning(f"/proc/self/fd/{found}")  # exactly what was looked at
    finally:
        close(found)
    return [line.split(":") for line in content.decode("utf-8", "replace").split("\n")]


def _beginning(path):
    fd = open_file(path, O_RDONLY | O_NONBLOCK | O_CLOEXEC)
    try:
        parts, left = [], _LIMIT
        while left and (part := read(fd, left)):
            parts.append(part)
            left -= len(part)
        return b"".join(parts)
    finally:
        close(fd)
