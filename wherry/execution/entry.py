"""A task under way on one host: its calls (one an item), their tickets and results, and what it defines."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass, field
from typing import Any

from wherry.connection.session import TaskRequest, Ticket
from wherry.execution.module_spec import ModuleSpec
from wherry.execution.steps import Step
from wherry.execution.values import Position, ResultOutstanding
from wherry.language.variables import Scope


@dataclass(eq=False)
class Part:
    """One call: `request` for a module, or the `result` of what the engine did itself; `item` names it in a loop.

    spec: the module that does it, after `prepare` (which was handed `prepared`).
    """

    scope: Scope
    label: str | None = None
    item: dict[str, Any] = field(default_factory=dict)
    spec: ModuleSpec | None = None
    request: TaskRequest | None = None
    ticket: Ticket | None = None
    prepared: Any = None
    result: dict[str, Any] | None = None


@dataclass(eq=False)
class Entry:
    """A task under way; `stamp` is its position in the whole run.

    fatal: a failure ends the play for all hosts.  set_facts: what `set_fact` in it defines already.  result: of the whole task, once all parts have theirs.
    """

    step: Step
    position: Position
    stamp: Position
    title: str
    looped: bool = False
    ignore_errors: bool = False
    no_log: bool = False
    fatal: bool = False
    parts: list[Part] = field(default_factory=list)
    set_facts: dict[str, Any] = field(default_factory=dict)
    result: dict[str, Any] | None = None

    def find(self, name: str) -> Any:
        """The value that the task gives the name; KeyError when none, ResultOutstanding when not yet (Overlay)."""
        if name == self.step.task.register:
            if self.result is None:
                raise ResultOutstanding(name)
            return self.result
        return self.set_facts[name]

    def names(self) -> Collection[str]:
        """The names that the task defines (Overlay)."""
        register = self.step.task.register
        return [*self.set_facts, register] if register else self.set_facts
