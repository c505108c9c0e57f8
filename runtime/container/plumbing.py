"""Where a container's output goes and where its input comes from: descriptors for it, copying for its monitor.

Direct               the caller's own descriptors, nothing to copy        (run --rm, not on a terminal)
copying.Piped        pipes; output to the log and, in the foreground, to the caller too
copying.Terminal     a terminal of the container's own; copied like a pipe
"""

import posix


def connect(stdio, log, interactive, tty):
    """The plumbing for a process in the foreground with the caller's `stdio`.

    The caller's own terminal is never given away: what holds it could push keys into it, or read those of others.
    """
    if not (tty or log or any(posix.isatty(fd) for fd in stdio[1:]) or (interactive and posix.isatty(stdio[0]))):
        return Direct(stdio if interactive else (null(), *stdio[1:]))
    from .copying import Piped, Terminal

    if tty:
        return Terminal(log, {"stdout": stdio[1]}, stdio[0] if interactive else None)
    outputs = {"stdout": stdio[1], "stderr": stdio[2]}
    return Piped(log, outputs, stdio[0] if interactive else None, keep_stdin=interactive)


class Direct:
    """The container has the caller's descriptors; nothing is copied, nothing logged."""

    def __init__(self, stdio):
        self._stdio = stdio

    def child_ends(self):
        """(stdin, stdout, stderr) for the container."""
        return self._stdio

    def started(self, process):
        """The container has its descriptors now."""

    def attach(self, loop):
        """Begin to copy."""

    def finish(self):
        """Copy what is left; the container has ended."""


class Nothing:
    """A context that does nothing."""

    def __enter__(self):
        return self

    def __exit__(self, *exception):
        return None


def write_all(fd, data):
    """Write all of `data`; False when the reader has gone away, which is not the container's business."""
    try:
        while data:
            data = data[posix.write(fd, data) :]
    except OSError:
        return False
    return True


def open_log(record):
    """The log of `record`, in its directory on disk."""
    from . import logs

    directory = log_directory(record)
    try:
        posix.mkdir(directory, 0o700)
    except FileExistsError:
        pass
    return logs.Log(directory)


def log_directory(record):
    """Where the log of `record` lies."""
    return f"{record.disk_dir}/log"


def null():
    """A descriptor of /dev/null."""
    return posix.open("/dev/null", posix.O_RDWR | posix.O_CLOEXEC)
