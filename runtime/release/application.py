"""One application on this host: its folder, and who may work in it at a time."""

import posix

from .. import state
from ..errors import UsageError

_FIRST = frozenset("abcdefghijklmnopqrstuvwxyz0123456789")
_ALLOWED = _FIRST | frozenset("_.-")
_LONGEST = 63


class Application:
    """The application `name` below `dirs`; UsageError if that is no name."""

    def __init__(self, dirs, name):
        if not isinstance(name, str) or not 0 < len(name) <= _LONGEST or name[0] not in _FIRST or set(name) - _ALLOWED:
            raise UsageError(f"{name!r} is no application name", hint="lower case letters, digits, . _ -")
        self.dirs, self.name = dirs, name

    @property
    def folder(self):
        """Its directory, made when first asked for."""
        path = f"{self.dirs.releases}/{self.name}"
        state.ensure_private(path)
        return path

    def path(self, name):
        """The path of one of its files."""
        return f"{self.folder}/{name}"

    def bookkeeping(self):
        """Hold what is short: reading and writing the lock."""
        return state.locked(f"{self.dirs.locks}/release-{self.name}.lock")

    def working(self):
        """Hold what may take long: only one process changes the application's containers."""
        return state.locked(f"{self.dirs.locks}/release-{self.name}.work")


def find(containers, fields):
    """The application that an operation's fields name."""
    return Application(containers.dirs, fields.get("app"))


def names(dirs):
    """The names of all applications that this host knows."""
    return sorted(posix.listdir(dirs.releases))
