"""Results in the order of tasks: hosts go at their own pace, people read task by task. Pure."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field

from wherry.events import HostUnreachable, TaskFinished, TaskStarted

Result = TaskFinished | HostUnreachable


@dataclass
class Group:
    """A task and the results that came for it; `opened` once its heading has been given out."""

    started: TaskStarted
    results: list[Result] = field(default_factory=list)
    opened: bool = False


class Order:
    """Gives out the results of the earliest unfinished task at once, and holds those of later ones back until every host
    has come past it."""

    def __init__(self, hosts: tuple[str, ...]) -> None:
        self._groups: list[Group] = []
        self._next = dict.fromkeys(hosts, 0)  # the first group that each host may still have a result for

    def started(self, event: TaskStarted) -> Iterator[TaskStarted | Result]:
        """A task has begun somewhere."""
        self._groups.append(Group(event))
        yield from self._ready()

    def finished(self, event: Result) -> Iterator[TaskStarted | Result]:
        """A result has come, or a host is gone."""
        if not self._groups:
            yield event
            return
        number = self._group_of(event)
        self._groups[number].results.append(event)
        if isinstance(event, TaskFinished):
            self._next[event.host] = number if event.item is not None else number + 1
        yield from self._ready()
        if isinstance(event, HostUnreachable):
            self._next.pop(event.host, None)

    def rest(self) -> Iterator[TaskStarted | Result]:
        """Everything that is still held back."""
        for group in self._groups:
            yield from _given_out(group)
        self._groups.clear()

    def _group_of(self, event: Result) -> int:
        """The first group of this task that the host has not passed; where it is, if the task was never announced."""
        start = min(self._next.get(event.host, 0), len(self._groups) - 1)
        if isinstance(event, TaskFinished):
            for number in range(start, len(self._groups)):
                started = self._groups[number].started
                if (started.name, started.place) == (event.task, event.place):
                    return number
        return start

    def _ready(self) -> Iterator[TaskStarted | Result]:
        """What can be given out: the groups that every host has passed, and what there is of the one after them."""
        front = min(self._next.values(), default=len(self._groups))
        for group in self._groups[: front + 1]:
            yield from _given_out(group)


def _given_out(group: Group) -> Iterator[TaskStarted | Result]:
    if not group.opened:
        group.opened = True
        yield group.started
    yield from group.results
    group.results.clear()
