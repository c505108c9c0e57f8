"""Hosts and groups of an environment, and their variables in layers."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any

from wherry.language.precedence import Layer
from wherry.project import Project
from wherry.protocols import Place


@dataclass(eq=False)
class Group:
    """A named set of hosts; `hosts` are its own, in order; `depth` is the longest way down from `all`."""

    name: str
    hosts: dict[str, Host] = field(default_factory=dict)
    children: dict[str, Group] = field(default_factory=dict)
    parents: dict[str, Group] = field(default_factory=dict)
    variables: list[Layer] = field(default_factory=list)
    place: Place | None = None
    depth: int = 0

    @property
    def priority(self) -> int:
        """`ansible_group_priority`: of groups at one depth the highest wins."""
        values = [layer.values.get("ansible_group_priority", 1) for layer in self.variables]
        return int(next((value for value in reversed(values) if value != 1), 1))

    def all_hosts(self) -> dict[str, Host]:
        """Hosts of the group and of every group below, each once, in inventory order."""
        found = dict(self.hosts)
        for child in self.children.values():
            found.update(child.all_hosts())
        return found


@dataclass(eq=False)
class Host:
    """A host: `groups` are the names of all groups it is in but `all`, sorted; `variables` are its layers, lowest first."""

    name: str
    groups: list[str] = field(default_factory=list)
    variables: list[Layer] = field(default_factory=list)
    place: Place | None = None

    @cached_property
    def merged(self) -> Mapping[str, Any]:
        """The raw value of each variable, the highest layer's winning."""
        result: dict[str, Any] = {}
        for layer in self.variables:
            result.update(layer.values)
        return result


@dataclass(eq=False)
class Inventory:
    """The hosts of one environment; `path` is the file or directory they were read from."""

    environment: str
    path: str
    hosts: dict[str, Host] = field(default_factory=dict)
    groups: dict[str, Group] = field(default_factory=dict)
    extra: dict[str, Any] = field(default_factory=dict)
    warnings: list[str] = field(default_factory=list)

    def match(self, pattern: str) -> list[Host]:
        """The hosts that an Ansible pattern names, term by term; UsageError with did-you-mean when a term names none."""
        from wherry.language.pattern import match

        return match(self, pattern)


def load(project: Project, env: str, *, extra: dict[str, Any] | None = None) -> Inventory:
    """The environment's hosts with their variables, each value knowing its place; `extra` are the --extra variables."""
    from wherry.language.inventory_reader import read

    return read(project, env, extra or {})
