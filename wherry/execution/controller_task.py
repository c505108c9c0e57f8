"""What a module's `prepare(task)` is handed: its arguments, and controller files by digest (protocols.Task)."""

from __future__ import annotations

import os
from dataclasses import dataclass
from typing import Any, NoReturn

from wherry.errors import ProjectError
from wherry.execution.attachments import Attachments, Contents
from wherry.language.task import Task
from wherry.language.templating import Templar
from wherry.language.variables import Scope
from wherry.project import Project
from wherry.protocols import Blob, Tree

FOLDERS = {"template": "templates"}  # where else a module's files lie; "files" for all others


@dataclass
class ControllerTask:
    """One call under preparation. `module` is what will do it; hand_over changes that."""

    args: dict[str, Any]
    module: str
    task: Task
    scope: Scope
    templar: Templar
    project: Project
    playbook: str
    attachments: Attachments
    contents: Contents

    def path(self, argument: str) -> str:
        """The controller file that the argument names, looked for beside the playbook and in the project, first in
        files/ (templates/ for templates); ProjectError names the places."""
        name = os.path.expanduser(str(self.args[argument]))
        found = next((path for path in self._candidates(name) if os.path.exists(path)), None)
        if found is None:
            places = ", ".join(self._candidates(name))
            raise ProjectError(f"no file '{name}' on the controller", self.task.place, f"looked for {places}")
        return found + "/" if name.endswith("/") and not found.endswith("/") else found

    def attach(self, path: str) -> Blob:
        """The file's content, to be sent if the host asks for it."""
        return self.attachments.file(path, self.contents)

    def attach_bytes(self, data: bytes) -> Blob:
        """These bytes, to be sent if the host asks for them."""
        return self.attachments.text(data, self.contents)

    def attach_tree(self, path: str) -> Tree:
        """All files below a directory."""
        return self.attachments.tree(path, self.contents)

    def archive(self, path: str) -> Any:
        """A saved image archive, its layers to be sent if the host lacks them."""
        return self.attachments.archive(path, self.contents)

    def render(self, text: str) -> str:
        """A template's text with this task's variables."""
        return self.templar.render_file(text, self.scope, self.playbook, self._folders)

    def render_file(self, path: str) -> str:
        """A template file's text with this task's variables; ProjectError with the place in the file."""
        try:
            with open(path, encoding="utf-8") as file:
                text = file.read()
        except (OSError, UnicodeDecodeError) as error:
            raise ProjectError(f"cannot read the template {path}: {error}", self.task.place) from None
        return self.templar.render_file(text, self.scope, path, self._folders)

    def fact(self, name: str) -> Any:
        """A fact of the host; gathered first when it is not known yet."""
        return self.scope["ansible_" + name]

    def hand_over(self, module: str) -> None:
        """Let another module do this task with the same arguments."""
        self.module = module

    def fail(self, text: str) -> NoReturn:
        """End the task: wrong arguments."""
        raise ProjectError(text, self.task.place)

    @property
    def _folders(self) -> list[str]:
        beside = os.path.dirname(self.playbook)
        inner = FOLDERS.get(self.task.module, "files")
        roots = dict.fromkeys((beside, self.project.root))
        return [folder for root in roots for folder in (os.path.join(root, inner), root)]

    def _candidates(self, name: str) -> list[str]:
        return [os.path.join(folder, name) for folder in self._folders]
