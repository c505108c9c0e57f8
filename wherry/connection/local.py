"""The agent as a child process on this machine (`connection: local`)."""

from __future__ import annotations

import os
import select
import subprocess
import sys


def python() -> str:
    """The interpreter that runs the engine also runs the agent; sys.executable of a virtual environment is fine with -I -S."""
    return sys.executable


def execute(argv: list[str]) -> PipeTransport:
    """Start a program whose standard input and output carry the session."""
    pipe = subprocess.PIPE
    # A session of its own: Ctrl-C in our terminal must not reach the agent in the middle of a write.
    return PipeTransport(subprocess.Popen(argv, stdin=pipe, stdout=pipe, stderr=pipe, cwd="/", start_new_session=True))


class PipeTransport:
    """A child process's standard input and output."""

    def __init__(self, process: subprocess.Popen[bytes]) -> None:
        assert process.stdin and process.stdout and process.stderr
        self.sent = self.received = 0
        self._process = process
        self._stdin, self._stdout, self._stderr = process.stdin, process.stdout, process.stderr
        self._timeout: float | None = None
        self._wake = os.pipe()  # readable once the stream was aborted

    def send(self, data: bytes) -> None:
        """Send all of it."""
        view = memoryview(data)
        while view:
            written = os.write(self._stdin.fileno(), view)
            self.sent += written
            view = view[written:]

    def receive(self) -> bytes:
        """Some bytes; none at the end; TimeoutError at the time limit."""
        ready = select.select([self._stdout.fileno(), self._wake[0]], [], [], self._timeout)[0]
        if not ready:
            raise TimeoutError
        data = b"" if self._wake[0] in ready else os.read(self._stdout.fileno(), 65536)
        self.received += len(data)
        return data

    def readable(self) -> bool:
        """Whether `receive` would return at once."""
        return bool(select.select([self._stdout.fileno(), self._wake[0]], [], [], 0)[0])

    def set_timeout(self, seconds: float | None) -> None:
        """How long `receive` may take."""
        self._timeout = seconds

    def last_words(self) -> str:
        """The end of what the process printed as errors."""
        if not select.select([self._stderr], [], [], 1)[0]:
            return ""
        return os.read(self._stderr.fileno(), 65536)[-2000:].decode("utf-8", "replace").strip()

    def close(self) -> None:
        """End its input and output and wait for it; one that does not end in 10 s is killed."""
        self._stdin.close()
        self._stdout.close()
        try:
            self._process.wait(10)
        except subprocess.TimeoutExpired:
            self._process.kill()
            self._process.wait()
        self._stderr.close()
        for fd in self._wake:
            if fd >= 0:
                os.close(fd)
        self._wake = (-1, -1)

    def abort(self) -> None:
        """End the stream now; a receive that waits returns, and the agent sees the end of its input."""
        if not self._stdin.closed:
            null = os.open(os.devnull, os.O_WRONLY)
            os.dup2(null, self._stdin.fileno())  # not closed: another thread may be writing to that number
            os.close(null)
        os.write(self._wake[1], b"!")
