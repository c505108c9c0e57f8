"""A play's tasks bound to what they call: a tree of steps, each with its place in the order of the play."""

from __future__ import annotations

from dataclasses import dataclass

from wherry.errors import ProjectError, WherryError
from wherry.execution import arguments
from wherry.execution.arguments import FREE_FORM, Call
from wherry.execution.catalog import Action, Catalog
from wherry.execution.module_spec import ModuleSpec
from wherry.execution.values import Position
from wherry.language import conditional
from wherry.language.source import is_static
from wherry.language.task import Block, Task

# Understood by the language, and not carried out yet.
LATER = ("async", "delegate_to", "throttle", "ignore_unreachable", "debugger")
TASKS, RESCUE, ALWAYS = 0, 1, 2


@dataclass(frozen=True, eq=False)
class Step:
    """One task and the module or action that it calls; `target` is None for what only Ansible has."""

    task: Task
    target: ModuleSpec | Action | None
    position: Position

    @property
    def spec(self) -> ModuleSpec:
        """What the target says of itself; ProjectError when there is none."""
        if self.target is None:
            text = f"module '{self.task.written}' is Ansible's and wherry does not have it"
            raise ProjectError(text, self.task.place, "put one of that name into the project's modules/")
        return self.target.spec if isinstance(self.target, Action) else self.target

    @property
    def blocking(self) -> bool:
        """Whether nothing may be sent to the host before this task's result is known."""
        task = self.task
        return (
            task.failed_when is not None
            or task.until is not None
            or not (task.changed_when is None or isinstance(task.changed_when, bool))
            or self.spec.finishes
            or self.spec.rules.returns_facts
        )

    def call(self) -> Call:
        """The call as written, with the defaults of `module_defaults:`."""
        task, raw = self.task, self.task.args
        if task.module_defaults or task.free_form is not None:
            raw = {**task.module_defaults, **task.args}
        if task.free_form is not None:
            raw[FREE_FORM] = task.free_form
        return Call(self.spec, raw, task.place, partial=task.args_from is not None)


@dataclass(frozen=True, eq=False)
class BlockStep:
    """A block; `position` is where its sections begin: (*position, TASKS | RESCUE | ALWAYS, index)."""

    block: Block
    position: Position
    tasks: tuple[Step | BlockStep, ...]
    rescue: tuple[Step | BlockStep, ...]
    always: tuple[Step | BlockStep, ...]

    def holds(self, position: Position, section: int) -> bool:
        """Whether a position lies in that section of this block."""
        start = (*self.position, section)
        return position[: len(start)] == start


@dataclass(frozen=True)
class Selection:
    """Which tasks run: those with one of `tags` and none of `skip`; `always` and `never` as in Ansible."""

    tags: frozenset[str] = frozenset()
    skip: frozenset[str] = frozenset()

    def takes(self, task: Task) -> bool:
        """Whether the task is among those that run."""
        tags = task.tags
        tagged = bool(tags - {"always", "never"})
        wanted = self.tags or frozenset({"all"})
        taken = (
            bool(tags & wanted)
            or ("always" in tags)
            or ("all" in wanted and "never" not in tags)
            or ("tagged" in wanted and tagged and "never" not in tags)
            or ("untagged" in wanted and not tagged and "never" not in tags)
        )
        left_out = tags & self.skip or ("tagged" in self.skip and tagged) or ("untagged" in self.skip and not tagged)
        return taken and not left_out


def bind(
    tasks: list[Task | Block], catalog: Catalog, selection: Selection, start: Position
) -> tuple[Step | BlockStep, ...]:
    """The tasks that run, bound and checked; ProjectError for the first thing in them that cannot be meant."""
    steps: list[Step | BlockStep] = []
    for index, each in enumerate(tasks):
        position = (*start, index)
        if isinstance(each, Block):
            sections = [
                bind(part, catalog, selection, (*position, number))
                for number, part in enumerate((each.tasks, each.rescue, each.always))
            ]
            if any(sections):
                steps.append(BlockStep(each, position, *sections))
        elif selection.takes(each):
            steps.append(_step(each, catalog, position))
    return tuple(steps)


def flat(steps: tuple[Step | BlockStep, ...]) -> list[Step]:
    """Every task step below, in written order."""
    found: list[Step] = []
    for each in steps:
        if isinstance(each, Step):
            found.append(each)
        else:
            found += flat(each.tasks) + flat(each.rescue) + flat(each.always)
    return found


def _step(task: Task, catalog: Catalog, position: Position) -> Step:
    try:
        step = Step(task, catalog.find(task), position)
        if step.target is not None:
            _refuse_later(task)
            arguments.check(step.call())
    except WherryError:
        if conditional.static(list(task.when)) is not False:
            raise
        return Step(task, None, position)
    return step


def _refuse_later(task: Task) -> None:
    for keyword in LATER:
        if (value := task.effective(keyword)) is not None and not (is_static(value) and not value):
            raise ProjectError(f"'{keyword}' is not supported yet", task.place)
    for word in ("pause", "break_when"):
        if task.loop_control.get(word):
            raise ProjectError(f"loop_control's '{word}' is not supported yet", task.place)
    if any("connection" in each.keywords for each in task.lineage[:-1]):
        raise ProjectError("'connection' of a task is not supported yet", task.place, "set it on a play of its own")
