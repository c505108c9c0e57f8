"""Which variables a value looks at, without rendering it: what to gather, and what a task must wait for."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field, replace
from functools import cache, lru_cache
from typing import TYPE_CHECKING, Any

from wherry.errors import ProjectError
from wherry.language.learned import PREFIX, is_protected
from wherry.language.precedence import Level
from wherry.language.source import Source
from wherry.language.task import Task
from wherry.language.variables import DATA, Scope

if TYPE_CHECKING:
    from jinja2 import nodes

LOOKUPS = frozenset({"lookup", "query", "q"})
OTHERS = frozenset({"hostvars", "groups", "play_hosts", "ansible_play_hosts", "ansible_play_batch"})


@dataclass(frozen=True)
class References:
    """What a value may look at when it is rendered.

    names: variables, transitively when a scope was given.  facts: names of facts without "ansible_".
    all_facts: `ansible_facts` as a whole, or under a computed name.  other_hosts: `hostvars` and the like.
    anything: a variable whose name is computed, so nothing can be told.
    """

    names: frozenset[str] = frozenset()
    facts: frozenset[str] = frozenset()
    all_facts: bool = False
    other_hosts: bool = False
    anything: bool = False

    def __or__(self, other: References) -> References:
        return References(
            self.names | other.names,
            self.facts | other.facts,
            self.all_facts or other.all_facts,
            self.other_hosts or other.other_hosts,
            self.anything or other.anything,
        )


NONE = References()


def names(value: Any, scope: Scope | None = None) -> frozenset[str]:
    """The variables that a raw value names, transitively with a scope."""
    return references([value], scope).names


def references(
    values: Iterable[Any], scope: Scope | None = None, *, conditions: Iterable[Any] = (), files: Iterable[str] = ()
) -> References:
    """What raw `values`, `conditions` (bare expressions) and the texts of template `files` look at.

    With a scope, also what the definitions of these names look at.
    """
    found = NONE
    for each in texts(values):
        found |= of_text(str(each), False)
    for each in texts(conditions, plain=True):
        found |= of_text(str(each), True)
    for text in files:
        found |= of_text(text, False)
    return found if scope is None else followed(found, scope)


def task_references(task: Task, scope: Scope | None = None) -> References:
    """What a task's arguments and keywords look at, those that it inherits included."""
    found = of_task(task)
    return found if scope is None else followed(found, scope.for_task(task))


@lru_cache(maxsize=4096)
def of_task(task: Task) -> References:
    """What the task's own text looks at."""
    written = task.keywords
    conditions = [*task.when, *(written[key] for key in ("changed_when", "failed_when", "until") if key in written)]
    values = [task.args, task.free_form, task.args_from, task.loop.value if task.loop else None, task.module_defaults]
    values += [written.get(key) for key in ("name", "retries", "delay", "loop_control")]
    for key in ("environment", "become", "become_user", "ignore_errors", "no_log", "check_mode", "diff", "delegate_to"):
        values += task.every(key)
    found = references(values, conditions=conditions)
    if task.loop and task.loop.kind == "loop":
        found = replace(found, names=found.names - {task.loop.variable})
    return found


def followed(found: References, scope: Scope) -> References:
    """The references with those of the definitions that they lead to."""
    seen: set[str] = set()
    waiting = list(found.names)
    while waiting:
        name = waiting.pop()
        if name in seen:
            continue
        seen.add(name)
        further = references([definition(name, scope)])
        if further.names:
            found |= further
            waiting += further.names
    return found


def definition(name: str, scope: Scope) -> Any:
    """The raw value that the name has by the project's own text, None when it is data. Facts are not asked for."""
    for layer in scope.layers:
        if layer.level is not Level.FACTS and name in layer.values:
            return None if layer.level in DATA else layer.values[name]
    return None


def texts(values: Iterable[Any], *, plain: bool = False) -> Iterator[Source]:
    """Every template in the values, however deep; with `plain` every Source."""
    for value in values:
        if isinstance(value, Source):
            if plain or value.is_template:
                yield value
        elif isinstance(value, dict):
            yield from texts([*value.values(), *value], plain=plain)
        elif isinstance(value, list | tuple):
            yield from texts(value, plain=plain)


@cache
def of_text(text: str, bare: bool) -> References:
    """What one template looks at by itself. One that does not compile looks at nothing: rendering it says why."""
    from jinja2 import TemplateSyntaxError, meta

    from wherry.language import environment

    try:
        tree = environment.parsed(text, bare=bare and "{{" not in text)
        found = meta.find_undeclared_variables(tree)
    except (TemplateSyntaxError, ProjectError):
        return NONE
    free = frozenset(found) - environment.variables_environment().globals.keys() - {environment.RESULT}
    visit = Visit(free | ({environment.RESULT} & read(tree)))
    visit.tree(tree)
    return visit.references()


def read(tree: nodes.Template) -> frozenset[str]:
    """The names that a tree reads anywhere."""
    from jinja2 import nodes

    return frozenset(node.name for node in tree.find_all(nodes.Name) if node.ctx == "load")


@dataclass
class Visit:
    """What one walk over a template's tree has found."""

    names: frozenset[str]
    more: set[str] = field(default_factory=set)
    facts: set[str] = field(default_factory=set)
    whole: int = 0
    anything: bool = False

    def tree(self, tree: nodes.Template) -> None:
        """Look at members of ansible_facts and vars, and at lookups."""
        from jinja2 import nodes

        self.whole = sum(1 for node in tree.find_all(nodes.Name) if node.name == "ansible_facts")
        for node in tree.find_all((nodes.Getattr, nodes.Getitem)):
            if isinstance(node, nodes.Getattr | nodes.Getitem) and isinstance(node.node, nodes.Name):
                self.member(node.node.name, member_name(node))
        for call in tree.find_all(nodes.Call):
            if isinstance(call.node, nodes.Name) and call.node.name in LOOKUPS:
                self.lookup(call)

    def member(self, owner: str, name: str | None) -> None:
        if owner == "ansible_facts" and name is not None:
            self.facts.add(name.removeprefix(PREFIX))
            self.whole -= 1
        elif owner == "vars":
            self.named(name)

    def lookup(self, call: nodes.Call) -> None:
        from jinja2 import nodes

        first = call.args[0] if call.args else None
        kind = str(first.value).removeprefix("ansible.builtin.") if isinstance(first, nodes.Const) else ""
        if kind in ("", "template", "varnames"):
            self.anything = True
        elif kind == "vars":
            for term in call.args[1:]:
                self.named(str(term.value) if isinstance(term, nodes.Const) else None)

    def named(self, name: str | None) -> None:
        if name is None:
            self.anything = True
        else:
            self.more.add(name)

    def references(self) -> References:
        names = self.names | self.more
        injected = {name.removeprefix(PREFIX) for name in names if name.startswith(PREFIX) and not is_protected(name)}
        return References(
            names=frozenset(names),
            facts=frozenset(self.facts | injected),
            all_facts=self.whole > 0,
            other_hosts=bool(names & OTHERS),
            anything=self.anything,
        )


def member_name(node: nodes.Getattr | nodes.Getitem) -> str | None:
    """The member's name when it is written out."""
    from jinja2 import nodes

    if isinstance(node, nodes.Getattr):
        return node.attr
    return str(node.arg.value) if isinstance(node.arg, nodes.Const) else None
