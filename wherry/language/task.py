"""Tasks and blocks as they are written: nothing rendered, inheritance resolved on demand."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from functools import cached_property
from typing import TYPE_CHECKING, Any

from wherry.errors import ProjectError
from wherry.language import keywords as words
from wherry.protocols import Place

if TYPE_CHECKING:
    from wherry.language.playbook import Play


@dataclass(eq=False, kw_only=True)
class Directives:
    """What tasks and blocks have in common: their keywords as written, and those of what they lie in."""

    keywords: dict[str, Any]
    parent: Block | Play
    place: Place | None = None

    @property
    def name(self) -> str:
        """The name as written (it may hold a template), "" without one."""
        return self.keywords.get("name") or ""

    @property
    def vars(self) -> dict[str, Any]:
        """The `vars:` of this very task or block."""
        return self.keywords.get("vars") or {}

    def effective(self, keyword: str, default: Any = None) -> Any:
        """The raw value of an inheritable keyword: the task's own, else the nearest block's, else the play's."""
        for each in self.lineage:
            if keyword in each.keywords:
                return each.keywords[keyword]
        return default

    def every(self, keyword: str) -> list[Any]:
        """The raw values of a keyword on the play, the blocks and the task, outermost first (environment, vars)."""
        return [each.keywords[keyword] for each in reversed(self.lineage) if keyword in each.keywords]

    @cached_property
    def lineage(self) -> tuple[Directives | Play, ...]:
        """The task, the blocks it lies in from the inside out, and the play."""
        return (self, *self.parent.lineage)

    @cached_property
    def tags(self) -> frozenset[str]:
        """Own tags and those of blocks and play; a tag may still hold a template."""
        return frozenset(tag for value in self.every("tags") for tag in split_tags(value))

    @cached_property
    def when(self) -> tuple[Any, ...]:
        """The conditions to hold, those of the outermost block first."""
        return tuple(condition for value in self.every("when") for condition in as_list(value))


@dataclass(eq=False, kw_only=True)
class Block(Directives):
    """Tasks that share keywords, what to do when one fails, and what to do in any case."""

    tasks: list[Task | Block] = field(default_factory=list)
    rescue: list[Task | Block] = field(default_factory=list)
    always: list[Task | Block] = field(default_factory=list)


@dataclass(frozen=True)
class Loop:
    """A loop as written: `kind` is "loop" or the NAME of with_NAME, `value` is raw."""

    kind: str
    value: Any
    control: dict[str, Any]
    place: Place | None = None

    @property
    def variable(self) -> str:
        """The name that each item gets."""
        return str(self.control.get("loop_var") or "item")


@dataclass(eq=False, kw_only=True)
class Task(Directives):
    """One call of a module.

    module: its name without a built-in collection's prefix; `written` is the key as it stands in the file.
    args: raw arguments by name, from the mapping, the k=v string and `args:`.  free_form: the text of `command: TEXT`.
    args_from: a template that gives a mapping of further arguments (`args: "{{ options }}"`), below `args`.
    """

    module: str
    written: str
    args: dict[str, Any]
    free_form: str | None = None
    args_from: str | None = None
    loop: Loop | None = None
    handler: bool = False

    @property
    def title(self) -> str:
        """What to call the task in output: its name, else its module."""
        return self.name or self.module

    @property
    def register(self) -> str | None:
        """The variable that the result goes to."""
        return self.keywords.get("register")

    @property
    def loop_control(self) -> dict[str, Any]:
        """loop_var, index_var, label, pause, extended."""
        return self.keywords.get("loop_control") or {}

    @cached_property
    def notify(self) -> tuple[str, ...]:
        """Handlers to notify, by name or topic, raw; those of the blocks included."""
        return tuple(name for value in self.every("notify") for name in as_list(value))

    @cached_property
    def listen(self) -> tuple[str, ...]:
        """Topics that a handler listens to."""
        return tuple(as_list(self.keywords.get("listen")))

    @property
    def changed_when(self) -> Any:
        """Raw conditions, None without."""
        return self.keywords.get("changed_when")

    @property
    def failed_when(self) -> Any:
        """Raw conditions, None without."""
        return self.keywords.get("failed_when")

    @property
    def until(self) -> Any:
        """Raw conditions to try again for, None without."""
        return self.keywords.get("until")

    @property
    def retries(self) -> Any:
        """Raw; how often to try again, 3 without."""
        return self.keywords.get("retries", 3)

    @property
    def delay(self) -> Any:
        """Raw; seconds between tries, 5 without."""
        return self.keywords.get("delay", 5)

    @property
    def ignore_errors(self) -> Any:
        """Raw, inherited."""
        return self.effective("ignore_errors", False)

    @property
    def no_log(self) -> Any:
        """Raw, inherited."""
        return self.effective("no_log", False)

    @property
    def delegate_to(self) -> Any:
        """Raw, inherited from blocks."""
        return self.effective("delegate_to")

    @property
    def run_once(self) -> Any:
        """Raw, inherited."""
        return self.effective("run_once", False)

    @property
    def check_mode(self) -> Any:
        """Raw, inherited; None when nothing is said."""
        return self.effective("check_mode")

    @property
    def diff(self) -> Any:
        """Raw, inherited; None when nothing is said."""
        return self.effective("diff")

    @property
    def timeout(self) -> Any:
        """Raw seconds, inherited; None without."""
        return self.effective("timeout")

    @property
    def become(self) -> Any:
        """Raw, inherited; None when nothing is said (the variable ansible_become may still say it)."""
        return self.effective("become")

    @property
    def environment(self) -> list[Any]:
        """Raw mappings, outermost first; the last wins for each name."""
        return [each for value in self.every("environment") for each in as_list(value)]

    @cached_property
    def module_defaults(self) -> dict[str, Any]:
        """Raw default arguments for this task's module, the nearest `module_defaults:` winning per module."""
        found: dict[str, Any] = {}
        for defaults in self.every("module_defaults"):
            for each in as_list(defaults):
                found = next((args for name, args in each.items() if words.short_name(name) == self.module), found)
        return found

    def refuse_later(self) -> None:
        """Raise ProjectError if the task is a construct that is understood and not carried out yet; call before it runs."""
        if self.module in words.LATER:
            raise ProjectError(f"'{self.written}' is not supported yet", self.place)


def walk(tasks: list[Task | Block]) -> Iterator[Task]:
    """Every task below, in written order, rescue and always included."""
    for each in tasks:
        if isinstance(each, Task):
            yield each
        else:
            yield from walk(each.tasks)
            yield from walk(each.rescue)
            yield from walk(each.always)


def as_list(value: Any) -> list[Any]:
    """A list of one for anything but a list; empty for None."""
    if value is None:
        return []
    return list(value) if isinstance(value, list | tuple) else [value]


def split_tags(value: Any) -> list[str]:
    """`a, b` or a list of such as single tags."""
    return [tag.strip() for each in as_list(value) for tag in str(each).split(",") if tag.strip()]
