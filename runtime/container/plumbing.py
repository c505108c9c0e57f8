"""Where a container's output goes and where its input comes from: descriptors for it, copying for its monitor.

Direct     the caller's own descriptors, nothing to copy        (run --rm, not on a terminal)
Piped      pipes; output to the log and, in the foreground, to the caller too
Terminal   a terminal of the container's own; copied like a pipe
"""

import posix

from .loop import READ, WRITE

CHUNK = 64 << 10


def connect(stdio, log, interactive, tty):
    """The plumbing for a process in the foreground with the caller's `stdio`.

    The caller's own terminal is never given away: what holds it could push keys into it, or read those of others.
    """
    if tty:
        return Terminal(log, {"stdout": stdio[1]}, stdio[0] if interactive else None)
    if log or any(posix.isatty(fd) for fd in stdio[1:]) or (interactive and posix.isatty(stdio[0])):
        outputs = {"stdout": stdio[1], "stderr": stdio[2]}
        return Piped(log, outputs, stdio[0] if interactive else None, keep_stdin=interactive)
    return Direct(stdio if interactive else (_null(), *stdio[1:]))


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


class Copied:
    """Output is copied to the log, if there is one, and to `outputs` {stream: fd}; `source` is copied to the input."""

    def __init__(self, log, outputs, source):
        self._log, self._outputs, self._source = log, outputs, source
        self._readers, self._sink = {}, None  # {stream: descriptor}; where input goes

    def started(self, process):
        """The container has its descriptors now."""

    def descriptors(self):
        """({stream: descriptor}, descriptor of the input or None): what another process needs to copy instead."""
        return self._readers, self._sink

    def attach(self, loop):
        """Begin to copy."""
        for stream, reader in self._readers.items():
            posix.set_blocking(reader, False)
            loop.watch(reader, lambda stream=stream, reader=reader: self._copy(loop, stream, reader))
        if self._sink is not None and self._source is not None:
            Feed(loop, self._source, self._sink, close=self._sink not in self._readers.values()).begin()

    def finish(self):
        """Copy what is left and close the log."""
        for stream, reader in self._readers.items():
            while self._take(stream, reader):
                pass
            posix.close(reader)
        self._readers = {}
        if self._log:
            self._log.close()

    def _copy(self, loop, stream, reader):
        if self._take(stream, reader) == b"":
            loop.forget(reader)

    def _take(self, stream, reader):
        """Copy one piece and return it: b"" at the end, None when nothing is there now."""
        try:
            data = posix.read(reader, CHUNK)
        except BlockingIOError:
            return None
        except OSError:
            return b""  # EIO: the last process that had the terminal open is gone
        if data and self._log:
            self._log.write(stream, data)
        if data and stream in self._outputs:
            write_all(self._outputs[stream], data)
        return data


class Piped(Copied):
    """Pipes; without `keep_stdin` the container reads /dev/null."""

    def __init__(self, log, outputs=None, source=None, keep_stdin=False, pipes=None):
        super().__init__(log, outputs or {}, source)
        pairs = pipes or {"stdout": _pipe(), "stderr": _pipe()}
        self._readers = {stream: pair[0] for stream, pair in pairs.items()}
        stdin, self._sink = posix.pipe2(posix.O_CLOEXEC) if keep_stdin else (_null(), None)
        self._ends = (stdin, pairs["stdout"][1], pairs["stderr"][1])

    def child_ends(self):
        """(stdin, stdout, stderr) for the container."""
        return self._ends

    def started(self, process):
        """The container has its descriptors now; ours go, so that its end can be seen."""
        for fd in self._ends:
            posix.close(fd)
        self._ends = ()

    def finish(self):
        """Copy what is left and close the log."""
        self.started(None)
        super().finish()


class Terminal(Copied):
    """A terminal of the container's own, made in its /dev/pts; its output is one stream."""

    def child_ends(self):
        """None: the runtime makes the terminal."""
        return

    def started(self, process):
        """The terminal is there now."""
        self._readers, self._sink = {"stdout": process.terminal}, process.terminal


class Adopted(Copied):
    """What another process began to copy, in the background."""

    def __init__(self, log, readers, sink):
        super().__init__(log, {}, None)
        self._readers, self._sink = readers, sink


class Feed:
    """Copies `source` to `sink` without ever blocking on it: who does not read its input must not hold up its output."""

    def __init__(self, loop, source, sink, close=True):
        self._loop, self._source, self._sink, self._close = loop, source, sink, close
        self._pending = b""
        posix.set_blocking(sink, False)

    def begin(self):
        """Copy whenever there is something."""
        self._loop.watch(self._source, self._fill)

    def _fill(self):
        try:
            self._pending = posix.read(self._source, CHUNK)
        except OSError:
            self._pending = b""  # the caller's terminal is gone
        self._loop.forget(self._source)
        if self._pending:
            self._loop.watch(self._sink, self._drain, WRITE)
        elif self._close:
            posix.close(self._sink)

    def _drain(self):
        try:
            self._pending = self._pending[posix.write(self._sink, self._pending) :]
        except BlockingIOError:
            return
        except OSError:
            self._loop.forget(self._sink)  # nobody reads any more
            return
        if not self._pending:
            self._loop.forget(self._sink)
            self._loop.watch(self._source, self._fill, READ)


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


def _null():
    return posix.open("/dev/null", posix.O_RDWR | posix.O_CLOEXEC)


def _pipe():
    return posix.pipe2(posix.O_CLOEXEC)
