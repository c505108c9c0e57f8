"""Which handlers have been notified on one host; each runs once a flush, in the order they are written."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator

from wherry.errors import ProjectError
from wherry.execution.steps import Step
from wherry.language.suggest import did_you_mean
from wherry.protocols import Place


class Handlers:
    """The handlers of a play as one host sees them; `rendered` turns a name that is a template into text."""

    def __init__(self, steps: tuple[Step, ...], rendered: Callable[[Step, str], str]) -> None:
        self._steps = steps
        self._rendered = rendered
        self._notified: set[int] = set()
        self._index: dict[str, list[int]] | None = None

    def notify(self, names: Iterable[str], place: Place | None) -> None:
        """Note that these handlers, by name or by topic, are to run; ProjectError for one that does not exist."""
        for name in names:
            numbers = self._by_name.get(name)
            if numbers is None:
                raise ProjectError(f"no handler '{name}' in this play", place, did_you_mean(name, self._by_name))
            self._notified.update(numbers)

    def __bool__(self) -> bool:
        return bool(self._notified)

    def flush(self) -> Iterator[tuple[int, Step]]:
        """The notified handlers with their numbers; one that is notified meanwhile comes too if it stands further on."""
        for number, step in enumerate(self._steps):
            if number in self._notified:
                self._notified.discard(number)
                yield number, step

    @property
    def _by_name(self) -> dict[str, list[int]]:
        """Numbers by name and topic; of handlers with the same name the last one counts."""
        if self._index is None:
            index: dict[str, list[int]] = {}
            for number, step in enumerate(self._steps):
                if step.task.name:
                    index[self._rendered(step, step.task.name)] = [number]
            for number, step in enumerate(self._steps):
                for topic in step.task.listen:
                    index.setdefault(self._rendered(step, topic), []).append(number)
            self._index = index
        return self._index
