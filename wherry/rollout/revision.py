"""Which state of the project is deployed: the git commit, and whether files differ from it."""

from __future__ import annotations

import getpass
import hashlib
import platform
import subprocess
from dataclasses import asdict, dataclass
from typing import Any

from wherry.errors import UsageError
from wherry.project import Project


@dataclass(frozen=True)
class Revision:
    """A state of the project's files.

    commit: 40 hex digits, empty outside git.  subject: the commit's first line.
    changes: sha256 of the uncommitted changes, empty when there are none.  author: who deploys, from where.
    """

    commit: str
    subject: str
    changes: str
    author: str

    def to_json(self) -> dict[str, Any]:
        """As a release record keeps it."""
        return asdict(self)

    def __str__(self) -> str:
        if not self.commit:
            return "no git commit"
        return f"{self.commit[:10]}{' with uncommitted changes' if self.changes else ''} {self.subject}".rstrip()


def of(project: Project, *, dirty: bool) -> Revision:
    """The project's state; uncommitted changes are refused unless `dirty`, and then recorded by digest."""
    author = f"{getpass.getuser()}@{platform.node()}"
    commit = _git(project, "rev-parse", "--verify", "-q", "HEAD").decode().strip()
    if not commit:
        return Revision("", "", "", author)
    status = _git(project, "status", "--porcelain", "--", ".")
    if status and not dirty:
        shown = "\n    ".join(status.decode(errors="replace").splitlines()[:5])
        raise UsageError(
            f"uncommitted changes in {project.root}\n    {shown}",
            hint="commit them, or deploy them as they are with --dirty (the release then records their digest)",
        )
    changes = hashlib.sha256(status + _git(project, "diff", "HEAD", "--", ".")).hexdigest() if status else ""
    return Revision(commit, _git(project, "log", "-1", "--format=%s").decode(errors="replace").strip(), changes, author)


def _git(project: Project, *arguments: str) -> bytes:
    try:
        command = ["git", "-C", project.root, *arguments]
        return subprocess.run(command, capture_output=True, check=False, timeout=30).stdout
    except FileNotFoundError:  # no git on this machine: the release says so by an empty commit
        return b""
