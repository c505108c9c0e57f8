"""`wherry init`: lay out a repository from the files beside this one."""

from __future__ import annotations

import os
import shutil

from wherry.errors import UsageError

TEMPLATES = {
    "tasks.py.txt": "tasks.py",
    "deploy.yml": "playbooks/deploy.yml",
    "prod.yml": "inventory/prod.yml",
    "gitignore.txt": ".gitignore",
}
HERE = os.path.dirname(os.path.abspath(__file__))


def lay_out(folder: str) -> list[str]:
    """Write the files of a new project below `folder`; returns their paths. Raises UsageError if one exists already."""
    targets = {source: os.path.join(folder, *target.split("/")) for source, target in TEMPLATES.items()}
    taken = [path for path in targets.values() if os.path.lexists(path)]
    if taken:
        raise UsageError(f"{taken[0]} exists already", hint="choose an empty folder: wherry init FOLDER")
    for source, target in targets.items():
        os.makedirs(os.path.dirname(target), exist_ok=True)
        shutil.copyfile(os.path.join(HERE, source), target)
    return list(targets.values())
