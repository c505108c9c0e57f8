"""What a run has learnt of a host: facts and results. Plain data, never rendered."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any

from wherry.language.keywords import words

PREFIX = "ansible_"
# How a host is reached and who we are there: said by the inventory, never by the host itself (CVE-2020-10684).
CONNECTION = re.compile(
    r"ansible_(host|port|user|password|connection|shell_.*|pipelining|.*_interpreter|"
    r"(ssh|sudo|su|become|winrm|psrp|paramiko|local|docker|remote|network|persistent)_.*|become|sudo|su|timeout|"
    r"facts|check_mode|diff_mode|play_.*|run_tags|skip_tags|version|managed|loop.*|index_var|verbosity|forks|delegated_vars)\Z"
)
HOST_KEY = re.compile(r"ansible_ssh_host_key_\w+_public(_keytype)?\Z")
MAGIC = words(
    """inventory_hostname inventory_hostname_short group_names groups hostvars vars play_hosts playbook_dir inventory_dir
    inventory_file omit item role_path environment"""
)


def is_protected(name: str) -> bool:
    """Whether a host may not define this variable by a fact."""
    return name in MAGIC or name.startswith("wherry_") or bool(CONNECTION.match(name) and not HOST_KEY.match(name))


@dataclass
class Learned:
    """One host's share of what a run has learnt.

    facts: by name without "ansible_"; learn() and returned() fill it.  registered: set_fact and register.
    included: include_vars, the project's own text, which is rendered when it is used.
    loose: facts that a module returned under a name without "ansible_" (services, packages).
    """

    facts: dict[str, Any] = field(default_factory=dict)
    registered: dict[str, Any] = field(default_factory=dict)
    included: dict[str, Any] = field(default_factory=dict)
    loose: dict[str, Any] = field(default_factory=dict)

    def learn(self, facts: Mapping[str, Any]) -> None:
        """Add gathered facts, named with or without "ansible_"."""
        self.facts.update((name.removeprefix(PREFIX), value) for name, value in facts.items())

    def returned(self, facts: Mapping[str, Any]) -> None:
        """Add what a module returned as `ansible_facts`; names that are not a host's to set stay out of variables."""
        self.learn(facts)
        self.loose.update(
            (name, value) for name, value in facts.items() if not name.startswith(PREFIX) and not is_protected(name)
        )

    @property
    def injected(self) -> Mapping[str, Any]:
        """The facts as variables: ansible_NAME, and the loose ones."""
        return Injected(self)


class Injected(Mapping[str, Any]):
    """A live view of a host's facts as variables."""

    __slots__ = ("_learned",)

    def __init__(self, learned: Learned) -> None:
        self._learned = learned

    def __contains__(self, name: object) -> bool:
        if not isinstance(name, str):
            return False
        if name.startswith(PREFIX):
            return name[len(PREFIX) :] in self._learned.facts and not is_protected(name)
        return name in self._learned.loose

    def __getitem__(self, name: str) -> Any:
        if name not in self:
            raise KeyError(name)
        return self._learned.facts[name[len(PREFIX) :]] if name.startswith(PREFIX) else self._learned.loose[name]

    def __iter__(self) -> Iterator[str]:
        yield from (PREFIX + name for name in self._learned.facts if not is_protected(PREFIX + name))
        yield from self._learned.loose

    def __len__(self) -> int:
        return sum(1 for _ in self)
