"""Processes that are known again later: a PID alone may have become somebody else's."""

from __future__ import annotations

import os
import select
import signal
from dataclasses import dataclass


@dataclass(frozen=True)
class Process:
    """A process by PID and start time (clock ticks since boot, field 22 of /proc/PID/stat)."""

    pid: int
    start: int

    @property
    def alive(self) -> bool:
        """Whether this very process still runs; a zombie does not."""
        return _stat(self.pid) == ("alive", self.start)

    def kill(self, timeout: float = 5.0) -> None:
        """End this process and wait until it has ended; do nothing when it is gone or the PID is another's."""
        try:
            fd = os.pidfd_open(self.pid)
        except ProcessLookupError:
            return
        try:
            if self.alive:  # asked after the descriptor was opened: what it names cannot change any more
                signal.pidfd_send_signal(fd, signal.SIGKILL)
                _wait_readable(fd, timeout)
        finally:
            os.close(fd)


def process(pid: int) -> Process:
    """The process that has this PID now; raises ProcessLookupError when there is none."""
    state, start = _stat(pid)
    if state != "alive":
        raise ProcessLookupError(f"no process {pid}")
    return Process(pid, start)


def _stat(pid: int) -> tuple[str, int]:
    try:
        with open(f"/proc/{pid}/stat", encoding="utf-8", errors="replace") as file:
            fields = file.read().rpartition(")")[2].split()
    except (FileNotFoundError, ProcessLookupError):
        return "gone", 0
    return ("zombie" if fields[0] in "ZX" else "alive"), int(fields[19])


def _wait_readable(fd: int, timeout: float) -> None:
    poll = select.poll()
    poll.register(fd, select.POLLIN)
    poll.poll(timeout * 1000)
