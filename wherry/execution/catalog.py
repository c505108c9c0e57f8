"""Which module or action a task's name means: the project's modules, then the built-in ones; actions are the engine's."""

from __future__ import annotations

import os
from collections.abc import Callable
from dataclasses import dataclass
from functools import cached_property
from importlib import import_module
from typing import Any

from wherry.errors import ProjectError, UsageError
from wherry.execution import module_spec
from wherry.execution.ansible_names import known_to_ansible
from wherry.execution.module_spec import ModuleSpec
from wherry.language import keywords
from wherry.language.suggest import did_you_mean
from wherry.language.task import Task
from wherry.project import Project

ACTIONS_FOLDER = os.path.join(os.path.dirname(os.path.abspath(__file__)), "actions")
SAME_AS = {"gather_facts": "setup"}


@dataclass(frozen=True)
class Action:
    """Something that the engine does itself, on the controller; `spec` is read from its file like a module's."""

    spec: ModuleSpec

    @cached_property
    def run(self) -> Callable[..., dict[str, Any]]:
        """run(step, **arguments) -> result; the file is imported when the first task needs it."""
        stem = os.path.basename(self.spec.path).removesuffix(".py")
        function: Callable[..., dict[str, Any]] = import_module(f"wherry.execution.actions.{stem}").run
        return function


class Catalog:
    """The modules and actions that a project's tasks can name."""

    def __init__(self, project: Project) -> None:
        self._folders = project.module_folders
        self._built_in = project.built_in_modules
        self._specs: dict[str, ModuleSpec] = {}
        self._refuse_overridden_actions()

    @cached_property
    def actions(self) -> dict[str, Action]:
        """The engine's actions by name."""
        paths = [os.path.join(ACTIONS_FOLDER, name) for name in sorted(os.listdir(ACTIONS_FOLDER))]
        return {_action_name(path): Action(_spec_of_action(path)) for path in paths if _is_module(path)}

    @cached_property
    def names(self) -> frozenset[str]:
        """Every name that works."""
        modules = (name for folder in self._folders for name in os.listdir(folder) if _is_module(name))
        return frozenset(name.removesuffix(".py") for name in modules) | self.actions.keys() | SAME_AS.keys()

    def find(self, task: Task) -> ModuleSpec | Action | None:
        """What the task calls; None for a name of Ansible's that wherry lacks; ProjectError for a name nobody knows."""
        name = SAME_AS.get(task.module, task.module)
        if name in self.actions:
            return self.actions[name]
        if name in keywords.ACTIONS:
            raise ProjectError(f"'{task.written}' is not supported yet", task.place)
        if spec := self.module(name, built_in=task.written.startswith(keywords.ALWAYS_BUILT_IN)):
            return spec
        if known_to_ansible(name):
            return None
        raise ProjectError(f"no module '{task.written}'", task.place, did_you_mean(name, self.names))

    def module(self, name: str, *, built_in: bool = False) -> ModuleSpec | None:
        """The module of that name, the project's own first unless `built_in`; None without one."""
        for folder in (self._built_in,) if built_in else self._folders:
            path = os.path.join(folder, name + ".py")
            if path in self._specs or os.path.isfile(path):
                return self._read(path)
        return None

    def _read(self, path: str) -> ModuleSpec:
        if path not in self._specs:
            self._specs[path] = module_spec.read(path, own=os.path.dirname(path) != self._built_in)
        return self._specs[path]

    def _refuse_overridden_actions(self) -> None:
        own = (folder for folder in self._folders if folder != self._built_in)
        for path in (os.path.join(folder, name + ".py") for folder in own for name in sorted(keywords.ACTIONS)):
            if os.path.isfile(path):
                name = os.path.basename(path).removesuffix(".py")
                raise UsageError(f"'{name}' is an action of the engine and cannot be replaced", path, "rename the file")


def _is_module(path: str) -> bool:
    return path.endswith(".py") and not os.path.basename(path).startswith(("_", "."))


def _action_name(path: str) -> str:
    return os.path.basename(path).removesuffix(".py").removesuffix("_")


def _spec_of_action(path: str) -> ModuleSpec:
    from dataclasses import replace

    return replace(module_spec.read(path, own=False), name=_action_name(path))
