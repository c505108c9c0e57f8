"""Ansible's order of precedence: a definition at a higher level hides those below."""

from __future__ import annotations

from collections.abc import Mapping
from enum import IntEnum
from typing import Any, NamedTuple


class Level(IntEnum):
    """The 22 levels, and two above them that nothing overrides; `label` is what people read."""

    COMMAND_LINE = 1
    ROLE_DEFAULTS = 2
    INVENTORY_GROUP = 3
    INVENTORY_GROUP_VARS_ALL = 4
    PLAYBOOK_GROUP_VARS_ALL = 5
    INVENTORY_GROUP_VARS = 6
    PLAYBOOK_GROUP_VARS = 7
    INVENTORY_HOST = 8
    INVENTORY_HOST_VARS = 9
    PLAYBOOK_HOST_VARS = 10
    FACTS = 11
    PLAY_VARS = 12
    PLAY_PROMPT = 13
    PLAY_FILES = 14
    ROLE_VARS = 15
    BLOCK_VARS = 16
    TASK_VARS = 17
    INCLUDE_VARS = 18
    REGISTERED = 19
    ROLE_PARAMS = 20
    INCLUDE_PARAMS = 21
    EXTRA = 22
    MAGIC = 23
    LOOP = 24

    @property
    def label(self) -> str:
        """The level in words."""
        return LABELS[self]


LABELS = {
    Level.COMMAND_LINE: "command line option",
    Level.ROLE_DEFAULTS: "role defaults",
    Level.INVENTORY_GROUP: "inventory, group",
    Level.INVENTORY_GROUP_VARS_ALL: "group_vars/all of the inventory",
    Level.PLAYBOOK_GROUP_VARS_ALL: "group_vars/all of the project",
    Level.INVENTORY_GROUP_VARS: "group_vars of the inventory",
    Level.PLAYBOOK_GROUP_VARS: "group_vars of the project",
    Level.INVENTORY_HOST: "inventory, host",
    Level.INVENTORY_HOST_VARS: "host_vars of the inventory",
    Level.PLAYBOOK_HOST_VARS: "host_vars of the project",
    Level.FACTS: "facts of the host",
    Level.PLAY_VARS: "vars of the play",
    Level.PLAY_PROMPT: "vars_prompt of the play",
    Level.PLAY_FILES: "vars_files of the play",
    Level.ROLE_VARS: "role vars",
    Level.BLOCK_VARS: "vars of a block",
    Level.TASK_VARS: "vars of the task",
    Level.INCLUDE_VARS: "include_vars",
    Level.REGISTERED: "set_fact or register",
    Level.ROLE_PARAMS: "role parameters",
    Level.INCLUDE_PARAMS: "include parameters",
    Level.EXTRA: "--extra",
    Level.MAGIC: "magic variable",
    Level.LOOP: "loop",
}


class Layer(NamedTuple):
    """Definitions of one level from one origin."""

    level: Level
    values: Mapping[str, Any]
