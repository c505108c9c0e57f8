"""What a run has learnt of a host, as its tasks may see it: registered results and facts that may still be on their way."""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable, Iterator
from typing import Any, Protocol

from wherry.language.learned import PREFIX, is_protected

Position = tuple[int, ...]
NEVER = ("failed_task", "failed_result")  # what a rescue sees, no facts


class Waiting(Exception):
    """What is being rendered needs something that is not there yet; the pipeline gets it and renders again."""


class ResultOutstanding(Waiting):
    """A result that a host has not sent yet."""


class FactsMissing(Waiting):
    """Facts that have not been gathered; "*" for all."""

    def __init__(self, names: frozenset[str]) -> None:
        super().__init__(names)
        self.names = names


class OthersBehind(Waiting):
    """Another host's variables, before that host has come as far as this one."""


class Overlay(Protocol):
    """A task under way, whose values hold for the tasks behind it."""

    def find(self, name: str) -> Any:
        """Its value of the name; KeyError when it defines none, ResultOutstanding when it will."""

    def names(self) -> Collection[str]:
        """The names that it defines or will."""


class Registered(dict[str, Any]):
    """A host's registered results and set facts; tasks under way (`overlays`, the newest first) hide what is settled."""

    def __init__(self) -> None:
        super().__init__()
        self.overlays: Callable[[], Iterable[Overlay]] = tuple
        self._history: dict[str, list[tuple[Position, Any]]] = {}

    def settle(self, name: str, value: Any, stamp: Position) -> None:
        """Set a name's value for all tasks behind `stamp`."""
        self[name] = value
        self._history.setdefault(name, []).append((stamp, value))

    def as_of(self, stamp: Position) -> dict[str, Any]:
        """What tasks at `stamp` on other hosts may see."""
        earlier = {name: [value for when, value in values if when < stamp] for name, values in self._history.items()}
        return {name: values[-1] for name, values in earlier.items() if values}

    def __getitem__(self, name: str) -> Any:
        for overlay in self.overlays():
            try:
                return overlay.find(name)
            except KeyError:
                continue
        return super().__getitem__(name)

    def get(self, name: str, default: Any = None) -> Any:
        """The name's value, or `default`; raises Waiting like []."""
        try:
            return self[name]
        except KeyError:
            return default

    def __contains__(self, name: object) -> bool:
        return super().__contains__(name) or any(name in overlay.names() for overlay in self.overlays())

    def __iter__(self) -> Iterator[str]:
        names = dict.fromkeys(super().__iter__())
        for overlay in self.overlays():
            names.update(dict.fromkeys(overlay.names()))
        return iter(names)


class Facts(dict[str, Any]):
    """A host's facts by name without `ansible_`; while `gathering`, one that was never asked for is asked for on use."""

    def __init__(self) -> None:
        super().__init__()
        self.gathering = False
        self._asked: set[str] = set()

    def asked(self, names: Iterable[str]) -> None:
        """Note that the host has been asked for these: what it did not answer does not exist."""
        self._asked.update(names)

    def missing(self, names: Iterable[str]) -> frozenset[str]:
        """Those of the names that the host has not been asked for."""
        if "*" in self._asked:
            return frozenset()
        return frozenset(name for name in names if name not in self._asked and may_be_fact(name))

    def clear(self) -> None:
        """Forget all facts, so that they are asked for again."""
        super().clear()
        self._asked.clear()

    def snapshot(self) -> dict[str, Any]:
        """A plain copy, for other hosts' eyes."""
        return dict(dict.items(self))

    def _need(self, name: str) -> None:
        if self.gathering and not super().__contains__(name) and (missing := self.missing([name])):
            raise FactsMissing(missing)

    def __getitem__(self, name: str) -> Any:
        self._need(name)
        return super().__getitem__(name)

    def get(self, name: str, default: Any = None) -> Any:
        """The fact, or `default` when the host has none of that name; raises FactsMissing like []."""
        try:
            return self[name]
        except KeyError:
            return default

    def __contains__(self, name: object) -> bool:
        self._need(str(name))
        return super().__contains__(name)

    def __iter__(self) -> Iterator[str]:
        self._need("*")
        return super().__iter__()

    def keys(self) -> Any:
        """All facts' names; gathers everything."""
        self._need("*")
        return super().keys()

    def items(self) -> Any:
        """All facts; gathers everything."""
        self._need("*")
        return super().items()

    def values(self) -> Any:
        """All facts' values; gathers everything."""
        self._need("*")
        return super().values()


def may_be_fact(name: str) -> bool:
    """Whether a host may be asked for it: not what says how hosts are reached (CVE-2020-10684)."""
    return name not in NEVER and not is_protected(PREFIX + name)
