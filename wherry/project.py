"""A project's folders; the one place that knows where modules/ and runtime/ lie, installed or in a checkout."""

from __future__ import annotations

import difflib
import os
import tomllib
from dataclasses import dataclass
from functools import cached_property

from wherry.errors import UsageError

HERE = os.path.dirname(os.path.abspath(__file__))
ENDINGS = (".yml", ".yaml")
MARKS = ("playbooks", "inventory", "tasks.py")


def product_root() -> str:
    """The folder that holds the product's modules/, runtime/, playbooks/ and inventory/.

    A checkout (they lie beside the package, with wherry's own pyproject.toml) wins over copies inside the package.
    """
    beside = os.path.dirname(HERE)
    return beside if _is_checkout(beside) else HERE


def _is_checkout(folder: str) -> bool:
    try:
        with open(os.path.join(folder, "pyproject.toml"), "rb") as file:
            named = tomllib.load(file).get("project", {}).get("name") == "wherry"
    except (OSError, tomllib.TOMLDecodeError):
        return False
    return named and os.path.isdir(os.path.join(folder, "runtime"))


@dataclass(frozen=True)
class Project:
    """An operator's repository: `root` is its absolute path."""

    root: str

    @property
    def playbooks(self) -> str:
        """The folder of the project's playbooks."""
        return os.path.join(self.root, "playbooks")

    @property
    def inventory(self) -> str:
        """The folder of the project's inventories."""
        return os.path.join(self.root, "inventory")

    @property
    def state(self) -> str:
        """What wherry keeps in the project, ignored by git: lab, demo, reports."""
        return os.path.join(self.root, ".wherry")

    @cached_property
    def product(self) -> str:
        """The folder of the product itself."""
        return product_root()

    @property
    def module_folders(self) -> tuple[str, ...]:
        """Where modules are looked for, the project's own first; the built-in folder is always the last."""
        own, built_in = os.path.join(self.root, "modules"), self.built_in_modules
        return (own, built_in) if os.path.isdir(own) and not os.path.samefile(own, built_in) else (built_in,)

    @property
    def built_in_modules(self) -> str:
        """The modules that travel with the payload."""
        return os.path.join(self.product, "modules")

    @property
    def runtime(self) -> str:
        """The container runtime that travels with the payload."""
        return os.path.join(self.product, "runtime")

    def playbook_path(self, name: str) -> str:
        """The file of a playbook given by name ("deploy") or path; the project's own before the product's."""
        folders = dict.fromkeys((self.playbooks, os.path.join(self.product, "playbooks")))
        named = [os.path.join(folder, name + ending) for folder in folders for ending in ENDINGS]
        for path in (name, os.path.join(self.root, name), *named):
            if os.path.isfile(path):
                return os.path.abspath(path)
        known = {os.path.splitext(file)[0] for folder in folders for file in _playbooks_in(folder)}
        near = difflib.get_close_matches(name, sorted(known), 1)
        meant = f"did you mean '{near[0]}'? " if near else ""
        raise UsageError(f"no playbook '{name}'", self.playbooks, f"{meant}looked for {', '.join(named)}")


def _playbooks_in(folder: str) -> list[str]:
    return [file for file in os.listdir(folder) if file.endswith(ENDINGS)] if os.path.isdir(folder) else []


def find(start: str) -> Project:
    """The project that `start` lies in: the nearest folder upwards that has two of playbooks/, inventory/, tasks.py."""
    folder = os.path.abspath(start)
    while True:
        if sum(os.path.exists(os.path.join(folder, mark)) for mark in MARKS) >= 2:
            return Project(folder)
        if folder == os.path.dirname(folder):
            raise UsageError(
                f"{os.path.abspath(start)} is not in a wherry project",
                hint="a project has playbooks/ and inventory/ or tasks.py; `wherry init` lays one out",
            )
        folder = os.path.dirname(folder)
