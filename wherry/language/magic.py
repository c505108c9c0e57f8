"""Magic variables: what Ansible defines by itself, worked out when a template asks for it."""

from __future__ import annotations

import os
import sys
from collections.abc import Callable, Iterator, Mapping
from typing import TYPE_CHECKING, Any

from wherry.language.inventory import Inventory
from wherry.language.source import SourceList, SourceMap

if TYPE_CHECKING:
    from wherry.language.variables import Scope

MANAGED = "Managed by wherry"
# The language level that content may test for; `ansible_version.full is version('2.18', '>=')`.
VERSION = {"full": "2.18.0", "major": 2, "minor": 18, "revision": 0, "string": "2.18.0"}


class Omit:
    """The value of `omit`: an argument that is not given."""

    def __repr__(self) -> str:
        return "omit"


OMIT = Omit()


def hostname(scope: Scope) -> str:
    """The host's name in the inventory."""
    return scope.host.name


def batch(scope: Scope) -> list[str]:
    """The hosts of the current batch."""
    return list(scope.batch)


def all_of_play(scope: Scope) -> list[str]:
    """The hosts of the play, other batches included."""
    return list(scope.play_hosts)


def folder_of(path: str) -> str | None:
    """The folder a file lies in, None without a file."""
    return os.path.dirname(os.path.abspath(path)) if path else None


def inventory_folder(inventory: Inventory) -> str:
    """The inventory's folder."""
    return inventory.path if os.path.isdir(inventory.path) else os.path.dirname(inventory.path)


def groups(scope: Scope) -> SourceMap:
    """Host names by group; worked out once a run, in types that no template can change."""
    known = scope.run.group_members
    if not known:
        for name, group in scope.run.inventory.groups.items():
            known[name] = SourceList()
            known[name].extend(group.all_hosts())
    return known


class Magic(Mapping[str, Any]):
    """The magic variables of a scope; what the run adds to them (`Run.magic`) comes first."""

    __slots__ = ("_scope",)

    def __init__(self, scope: Scope) -> None:
        self._scope = scope

    def __contains__(self, name: object) -> bool:
        return name in VALUES or name in self._scope.run.magic

    def __getitem__(self, name: str) -> Any:
        added = self._scope.run.magic
        return added[name] if name in added else VALUES[name](self._scope)

    def __iter__(self) -> Iterator[str]:
        yield from {**VALUES, **self._scope.run.magic}

    def __len__(self) -> int:
        return sum(1 for _ in self)


class HostView(Mapping[str, Any]):
    """All variables of a host, rendered one by one as they are asked for. Attributes begin with _: no template sees them."""

    __slots__ = ("_scope",)

    def __init__(self, scope: Scope) -> None:
        self._scope = scope

    def __getitem__(self, name: str) -> Any:
        return self._scope.marked(name)

    def __contains__(self, name: object) -> bool:
        return name in self._scope

    def __iter__(self) -> Iterator[str]:
        return iter(self._scope)

    def __len__(self) -> int:
        return len(self._scope)


class HostVars(Mapping[str, Any]):
    """`hostvars`: the variables of every host, each made when it is asked for."""

    __slots__ = ("_scope",)

    def __init__(self, scope: Scope) -> None:
        self._scope = scope

    def __getitem__(self, name: str) -> HostView:
        return HostView(self._scope.of_host(name))

    def __contains__(self, name: object) -> bool:
        return name in self._scope.run.inventory.hosts

    def __iter__(self) -> Iterator[str]:
        return iter(self._scope.run.inventory.hosts)

    def __len__(self) -> int:
        return len(self._scope.run.inventory.hosts)


VALUES: dict[str, Callable[[Scope], Any]] = {
    "inventory_hostname": hostname,
    "inventory_hostname_short": lambda scope: scope.host.name.split(".")[0],
    "group_names": lambda scope: list(scope.host.groups),
    "groups": groups,
    "hostvars": HostVars,
    "vars": HostView,
    "play_hosts": batch,
    "ansible_play_hosts": all_of_play,
    "ansible_play_hosts_all": all_of_play,
    "ansible_play_batch": batch,
    "ansible_play_name": lambda scope: str(scope.play.name) if scope.play else "",
    "ansible_check_mode": lambda scope: scope.run.check,
    "ansible_diff_mode": lambda scope: scope.run.diff,
    "ansible_facts": lambda scope: scope.learned.facts,
    "ansible_version": lambda scope: VERSION,
    "ansible_playbook_python": lambda scope: sys.executable,
    "playbook_dir": lambda scope: folder_of(scope.play.path if scope.play else scope.run.playbook),
    "inventory_dir": lambda scope: inventory_folder(scope.run.inventory),
    "inventory_file": lambda scope: scope.run.inventory.path,
    "omit": lambda scope: OMIT,
    "wherry_env": lambda scope: scope.run.inventory.environment,
}
