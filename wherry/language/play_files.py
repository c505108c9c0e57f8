"""A play's vars_files: found, read once a run, looked up by the rendered name."""

from __future__ import annotations

import os
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from wherry.errors import ProjectError, UndefinedVariable
from wherry.language import group_files
from wherry.language.source import is_static, place_of
from wherry.language.task import as_list

if TYPE_CHECKING:
    from wherry.language.playbook import Play
    from wherry.language.variables import Run, Scope


def load(play: Play, scope: Scope) -> list[Mapping[str, Any]]:
    """The variables of each entry, in order. An entry whose name needs a fact that is not known yet is left out."""
    found = []
    for entry in play.vars_files:
        try:
            found.append(first(play, entry, scope))
        except UndefinedVariable:
            if is_static(entry):
                raise
    return found


def first(play: Play, entry: Any, scope: Scope) -> Mapping[str, Any]:
    """The file of an entry; of a list of names the first that exists."""
    names = [str(name) for name in as_list(scope.run.templar.render(entry, scope))]
    for name in names:
        for path in candidates(play, name, scope.run):
            if os.path.isfile(path):
                return read(path, scope.run)
    what = f"there is no file {' or '.join(names)}"
    raise ProjectError(
        what, place_of(entry) or play.place, "vars_files are looked for beside the playbook and in vars/"
    )


def candidates(play: Play, name: str, run: Run) -> list[str]:
    """Where a file may lie, the likeliest first."""
    near = os.path.dirname(os.path.abspath(play.path))
    folders = [os.path.join(near, "vars"), near, *([run.project.root] if run.project else [])]
    return [os.path.join(folder, name) for folder in folders]


def read(path: str, run: Run) -> Mapping[str, Any]:
    """The file's variables, read once a run."""
    if path not in run.files:
        run.files[path] = group_files.variables(path, run.templar.warn)
    return run.files[path]
