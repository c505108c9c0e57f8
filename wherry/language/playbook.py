"""A playbook: plays of tasks, nothing rendered."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any

from wherry.language import task as tasks_
from wherry.language.task import Block, Directives, Task, split_tags
from wherry.project import Project
from wherry.protocols import Place


@dataclass(eq=False, kw_only=True)
class Play:
    """What to do on which hosts. Keyword values are raw: they may be templates.

    keywords: everything as written.  vars_files: raw entries, each a name or a list of which the first that exists counts.
    """

    keywords: dict[str, Any]
    hosts: Any
    path: str
    place: Place | None = None
    pre_tasks: list[Task | Block] = field(default_factory=list)
    tasks: list[Task | Block] = field(default_factory=list)
    post_tasks: list[Task | Block] = field(default_factory=list)
    handlers: list[Task | Block] = field(default_factory=list)

    @property
    def name(self) -> str:
        """The name as written, else its hosts."""
        return str(self.keywords.get("name") or self.pattern)

    @property
    def pattern(self) -> str:
        """The hosts as one pattern: lists are joined by commas."""
        return ",".join(str(each) for each in tasks_.as_list(self.hosts))

    @property
    def vars(self) -> dict[str, Any]:
        """Raw variables of the play."""
        return self.keywords.get("vars") or {}

    @property
    def vars_files(self) -> list[Any]:
        """Raw names of files with variables."""
        return tasks_.as_list(self.keywords.get("vars_files"))

    @property
    def serial(self) -> list[Any]:
        """Batch sizes as written (numbers, "30%", templates); empty: all hosts at once."""
        return tasks_.as_list(self.keywords.get("serial"))

    @property
    def rollout(self) -> dict[str, Any] | None:
        """The `rollout:` mapping, raw; None without."""
        return self.keywords.get("rollout")

    @property
    def gather_facts(self) -> Any:
        """Raw; None when nothing is said (facts are gathered as they are referenced)."""
        return self.keywords.get("gather_facts")

    @property
    def become(self) -> Any:
        """Raw; None when nothing is said."""
        return self.keywords.get("become")

    @property
    def become_user(self) -> Any:
        """Raw."""
        return self.keywords.get("become_user")

    @property
    def become_method(self) -> Any:
        """Raw."""
        return self.keywords.get("become_method")

    @property
    def connection(self) -> Any:
        """Raw; None when nothing is said."""
        return self.keywords.get("connection")

    @property
    def environment(self) -> list[Any]:
        """Raw mappings."""
        return tasks_.as_list(self.keywords.get("environment"))

    @property
    def max_fail_percentage(self) -> Any:
        """Raw; None without."""
        return self.keywords.get("max_fail_percentage")

    @property
    def any_errors_fatal(self) -> Any:
        """Raw."""
        return self.keywords.get("any_errors_fatal", False)

    @property
    def order(self) -> str:
        """inventory, sorted, reverse_sorted, reverse_inventory or shuffle."""
        return str(self.keywords.get("order") or "inventory")

    @cached_property
    def tags(self) -> frozenset[str]:
        """Tags of the play itself."""
        return frozenset(split_tags(self.keywords.get("tags")))

    @property
    def lineage(self) -> tuple[Directives | Play, ...]:
        """The play alone: nothing is inherited from further out."""
        return (self,)

    def walk(self) -> Iterator[Task]:
        """Every task in written order, handlers last."""
        for each in (self.pre_tasks, self.tasks, self.post_tasks, self.handlers):
            yield from tasks_.walk(each)


@dataclass(eq=False)
class Playbook:
    """A playbook's file and plays; `warnings` are for the operator."""

    path: str
    plays: list[Play]
    warnings: list[str] = field(default_factory=list)


def load(project: Project, name: str) -> Playbook:
    """The playbook of that name or path; ProjectError for anything in it that Ansible's language does not have."""
    from wherry.language import playbook_reader

    return playbook_reader.read(project, project.playbook_path(name))
