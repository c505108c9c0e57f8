"""loop and with_*: the items of a task."""

from __future__ import annotations

import os
import re
from collections.abc import Iterator
from typing import Any

from wherry.errors import ProjectError, UndefinedVariable
from wherry.language import lookups
from wherry.language.conditional import test
from wherry.language.loop_forms import FORMS
from wherry.language.source import Source
from wherry.language.task import Loop, Task
from wherry.language.variables import Scope

NAME = re.compile(r"[A-Za-z_]\w*(\.\w+|\[[^\]]+\])*\Z")
NEVER_BARE = frozenset({"first_found", "fileglob", "file", "lines", "sequence", "template"})


def items(task: Task, scope: Scope) -> list[Any] | None:
    """The items of the task's loop, rendered; None for a task without a loop. Raises ProjectError, UndefinedVariable.

    An undefined list is an empty loop when a condition of the task that does not name the item is false, as in Ansible.
    """
    if task.loop is None:
        return None
    try:
        return evaluate(task.loop, scope)
    except UndefinedVariable:
        if skipped(task, scope):
            return []
        raise


def scopes(task: Task, scope: Scope) -> Iterator[tuple[Any, Scope]]:
    """Each item with a scope that knows it, and what loop_control asks for (index_var, extended)."""
    everything = items(task, scope) or []
    for index, item in enumerate(everything):
        yield item, scope.with_loop(variables(task.loop, everything, index))


def variables(loop: Loop | None, everything: list[Any], index: int) -> dict[str, Any]:
    """The variables of one round."""
    name = loop.variable if loop else "item"
    found: dict[str, Any] = {name: everything[index], "ansible_loop_var": name}
    control = loop.control if loop else {}
    if control.get("index_var"):
        found[str(control["index_var"])] = index
        found["ansible_index_var"] = str(control["index_var"])
    if control.get("extended"):
        found["ansible_loop"] = extended(everything, index, control.get("extended_allitems", True))
    return found


def extended(everything: list[Any], index: int, all_items: bool) -> dict[str, Any]:
    """`ansible_loop`."""
    length = len(everything)
    found: dict[str, Any] = {
        "index": index + 1,
        "index0": index,
        "first": index == 0,
        "last": index + 1 == length,
        "length": length,
        "revindex": length - index,
        "revindex0": length - index - 1,
    }
    if all_items:
        found["allitems"] = everything
    if index:
        found["previtem"] = everything[index - 1]
    if index + 1 < length:
        found["nextitem"] = everything[index + 1]
    return found


def evaluate(loop: Loop, scope: Scope) -> list[Any]:
    """The items of a loop as written."""
    value = rendered(loop, scope)
    if loop.kind == "loop":
        if not isinstance(value, list):
            hint = 'write `loop: "{{ list }}"`; of a mapping: `{{ mapping | dict2items }}`'
            raise ProjectError(f"loop needs a list, not {described(value)}", loop.place, hint)
        return value
    if loop.kind in FORMS:
        try:
            return FORMS[loop.kind](value)
        except (TypeError, ValueError, KeyError) as error:
            raise ProjectError(f"with_{loop.kind}: {error}", loop.place) from error
    search = os.path.dirname(scope.play.path) if scope.play else os.getcwd()
    return lookups.run(loop.kind, value if isinstance(value, list) else [value], {}, scope, search)


def rendered(loop: Loop, scope: Scope) -> Any:
    """The raw value rendered; a bare name in with_* means the variable, as in old playbooks."""
    value = loop.value
    if (
        loop.kind not in ("loop", *NEVER_BARE)
        and isinstance(value, Source)
        and NAME.match(value)
        and root(value) in scope
    ):
        return scope.run.templar.evaluate(value, scope)
    return scope.run.templar.render(value, scope)


def root(expression: str) -> str:
    """The variable that a dotted name begins with."""
    return re.split(r"[.\[]", expression, maxsplit=1)[0]


def skipped(task: Task, scope: Scope) -> bool:
    """Whether a condition that can be told without an item is false."""
    for condition in task.when:
        try:
            if not test(condition, scope):
                return True
        except UndefinedVariable:
            continue
    return False


def described(value: Any) -> str:
    """A value's kind, for an error."""
    kinds = {str: "text", dict: "a mapping", int: "a number", bool: "true or false", type(None): "nothing"}
    text = kinds.get(type(value), type(value).__name__)
    return f"{text} ({value!r:.60})" if isinstance(value, str | int) else text
