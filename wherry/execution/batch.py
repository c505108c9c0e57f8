"""The hosts that are served together: they go at their own pace and wait for each other only where one could see another."""

from __future__ import annotations

import threading
from collections.abc import Callable
from dataclasses import dataclass

from wherry.execution.entry import Entry
from wherry.execution.values import Position

START: Position = (-1,)
END: Position = (1 << 30,)


class Stopped(Exception):
    """The batch has been stopped: this host is to begin nothing more."""


@dataclass
class Turn:
    """A task that one host does for all: who does it, and what came of it (None: the host was lost)."""

    performer: str
    outcome: Entry | None = None
    failed: bool = False
    done: bool = False


class Batch:
    """How far each host has come; `slot` bounds how many are at work; a host that waits gives its slot back."""

    def __init__(self, hosts: list[str], slots: threading.Semaphore) -> None:
        self.hosts = hosts
        self.ended = ""
        self._stop_behind: Position | None = None
        self.failed: set[str] = set()
        self.slot = slots
        self._changed = threading.Condition()
        self._reached: dict[str, Position] = dict.fromkeys(hosts, START)
        self._turns: dict[Position, Turn] = {}
        self._waiting = 0

    def reach(self, host: str, position: Position) -> None:
        """Note that the host has done everything before `position`."""
        self._reached[host] = position
        if self._waiting:
            with self._changed:
                self._changed.notify_all()

    @property
    def stopped(self) -> bool:
        """Whether the batch was stopped before its end."""
        return self._stop_behind is not None

    def is_over(self, position: Position) -> bool:
        """Whether no host is to begin the task at this position any more."""
        return self._stop_behind is not None and position > self._stop_behind

    def stop(self, behind: Position = START) -> None:
        """Let no host begin a task that stands behind this position."""
        with self._changed:
            self._stop_behind = behind if self._stop_behind is None else min(self._stop_behind, behind)
            self._changed.notify_all()

    def end(self, word: str) -> None:
        """End the batch without a failure (`meta: end_play` or `end_batch`)."""
        self.ended = word
        self.stop()

    def fail(self, host: str, *, tolerated: float | None = None, behind: Position = START) -> None:
        """Note that the host has failed or was lost; stop when more than `tolerated` percent have."""
        self.failed.add(host)
        if tolerated is not None and len(self.failed) * 100 > tolerated * len(self.hosts):
            self.stop(behind)

    def wait_for_others(self, host: str, position: Position) -> None:
        """Wait until every other host has done everything before `position`; raises Stopped."""
        self.reach(host, position)
        self._wait(position, lambda: self._all_at(position))

    def turn(self, host: str, position: Position) -> Turn:
        """Wait until all hosts are here; the turn of the first of them: the performer goes on at once, the others when
        it has finished. Raises Stopped."""
        self.reach(host, position)
        self._wait(position, lambda: position in self._turns or self._all_at(position))
        with self._changed:
            here = [each for each in self.hosts if self._reached[each] == position]
            turn = self._turns.setdefault(position, Turn(here[0]))
        if turn.performer != host:
            self._wait(position, lambda: turn.done)
        return turn

    def finish(self, turn: Turn) -> None:
        """Hand the outcome of a turn to the hosts that wait for it."""
        with self._changed:
            turn.done = True
            self._changed.notify_all()

    def _all_at(self, position: Position) -> bool:
        return all(reached >= position for reached in self._reached.values())

    def _wait(self, position: Position, ready: Callable[[], bool]) -> None:
        if not ready():
            self.slot.release()
            try:
                with self._changed:
                    self._waiting += 1
                    self._changed.wait_for(lambda: self.is_over(position) or ready())
                    self._waiting -= 1
            finally:
                self.slot.acquire()
        if self.is_over(position):
            raise Stopped
