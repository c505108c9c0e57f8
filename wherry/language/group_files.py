"""group_vars/ and host_vars/: files or directories of YAML named after groups and hosts."""

from __future__ import annotations

import os
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any

from wherry.errors import ProjectError
from wherry.language import source
from wherry.language.source import Warn, place_of

ENDINGS = ("", ".yml", ".yaml", ".json")


@dataclass
class VariableFolder:
    """One group_vars/ or host_vars/ folder; it may be missing. Each file is read once, when its name is first asked for."""

    path: str
    warn: Warn
    read: dict[str, list[dict[Any, Any]]] = field(default_factory=dict)

    @cached_property
    def entries(self) -> frozenset[str]:
        """What lies in the folder."""
        return frozenset(os.listdir(self.path)) if os.path.isdir(self.path) else frozenset()

    def of(self, name: str) -> list[dict[Any, Any]]:
        """The variables for a group or host, file by file, the later winning."""
        if name not in self.read:
            self.read[name] = [content for path in self.files(name) if (content := variables(path, self.warn))]
        return self.read[name]

    def files(self, name: str) -> list[str]:
        """NAME, NAME.yml, NAME.yaml or NAME.json, the first that exists; of a directory all files in it."""
        found = next((name + ending for ending in ENDINGS if name + ending in self.entries), None)
        if found is None:
            return []
        path = os.path.join(self.path, found)
        return list(files_below(path)) if os.path.isdir(path) else [path]


def files_below(folder: str) -> list[str]:
    """All YAML files in a folder and those below it, sorted; hidden files and backups left out."""
    found = []
    for where, folders, files in os.walk(folder):
        folders[:] = sorted(each for each in folders if not each.startswith("."))
        wanted = [name for name in files if not name.startswith(".") and not name.endswith(("~", ".bak", ".swp"))]
        found += [os.path.join(where, name) for name in wanted if os.path.splitext(name)[1] in ENDINGS]
    return sorted(found)


def variables(path: str, warn: Warn) -> dict[Any, Any]:
    """The mapping of variables in a file; empty for an empty file."""
    content = source.load(path, warn=warn)
    if content is None:
        return {}
    if not isinstance(content, dict):
        raise ProjectError("a file of variables is a mapping", place_of(content), "write `name: value` lines")
    return content
