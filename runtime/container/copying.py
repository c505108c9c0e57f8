"""Copying between a container and its log, its caller's descriptors or both, by whoever owns it (see `plumbing`)."""

import posix

from . import plumbing
from .loop import READ, WRITE

CHUNK = 64 << 10


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
            plumbing.write_all(self._outputs[stream], data)
        return data


class Piped(Copied):
    """Pipes; without `keep_stdin` the container reads /dev/null."""

    def __init__(self, log, outputs=None, source=None, keep_stdin=False, pipes=None):
        super().__init__(log, outputs or {}, source)
        pairs = pipes or {name: posix.pipe2(posix.O_CLOEXEC) for name in ("stdout", "stderr")}
        self._readers = {stream: pair[0] for stream, pair in pairs.items()}
        stdin, self._sink = posix.pipe2(posix.O_CLOEXEC) if keep_stdin else (plumbing.null(), None)
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
