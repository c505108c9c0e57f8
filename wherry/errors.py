"""Everything that can end a run, as one tree, and the exit codes.

    WherryError                     exit code 1
    +-- ProjectError                1    something in the project's own files; has a place (file:line:col)
    |   +-- UndefinedVariable       1    a name that nothing defines; has the chain that led to it
    |   +-- TemplateError           1    a template that cannot be compiled or rendered
    +-- UsageError                  1    a wrong word on the command line
    +-- ChangesPending              2    `plan` or `--check` found changes (only with --detailed-exitcode)
    +-- RolledBack                  3    a rollout failed; every host serves the old release
    +-- HostsFailed                 4    hosts failed outside a rollout
    +-- UnreachableError            5    a host cannot be reached
    |   +-- UntrustedError          5    a host whose key is unknown, changed or revoked
    +-- LockedError                 6    another run holds the application
    +-- RevertFailed                7    the revert itself failed
    +-- ArchiveError                65   a bad archive
    +-- ProtocolError               5    a host that does not keep the protocol
    +-- RemoteError                 1    an error that a host reported; keeps its kind
    +-- Interrupted                 130  Ctrl-C

Several apply: 7, 6, 130, 3, 5, 4.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from wherry.protocols import Place

PRECEDENCE = (7, 6, 130, 3, 5, 4, 65, 1, 2)


class WherryError(Exception):
    """What happened, where, and what to do next."""

    exit_code = 1

    def __init__(self, what: str, where: str = "", hint: str = "") -> None:
        super().__init__(what, where, hint)
        self.what, self.where, self.hint = what, where, hint

    def __str__(self) -> str:
        text = f"{self.where}: {self.what}" if self.where else self.what
        return f"{text}\n  hint: {self.hint}" if self.hint else text


class ProjectError(WherryError):
    """Something in the project's own files: shows the source line with a caret when the place is known."""

    def __init__(self, what: str, place: Place | None = None, hint: str = "") -> None:
        super().__init__(what, str(place) if place else "", hint)
        self.place = place

    def __str__(self) -> str:
        text = f"{self.where}: {self.what}" if self.where else self.what
        if self.place and (excerpt := self.place.excerpt()):
            text += "\n" + excerpt
        return f"{text}\n  hint: {self.hint}" if self.hint else text


class UndefinedVariable(ProjectError):
    """A name that nothing defines; `chain` is the way that led to it, outermost first."""

    def __init__(self, name: str, place: Place | None = None, chain: tuple[str, ...] = (), hint: str = "") -> None:
        way = f" (through {' -> '.join(chain)})" if chain else ""
        super().__init__(f"'{name}' is undefined{way}", place, hint)
        self.name, self.chain = name, chain


class TemplateError(ProjectError):
    """A template that cannot be compiled or rendered."""


class UsageError(WherryError):
    """A wrong word on the command line."""


class ChangesPending(WherryError):
    """`plan` or `--check` found changes."""

    exit_code = 2


class RolledBack(WherryError):
    """A rollout failed and every host serves the old release."""

    exit_code = 3


class HostsFailed(WherryError):
    """Hosts failed outside a rollout."""

    exit_code = 4


class UnreachableError(WherryError):
    """A host cannot be reached or was lost."""

    exit_code = 5


class UntrustedError(UnreachableError):
    """A host's key is unknown, changed or revoked."""


class LockedError(WherryError):
    """Another run holds the application; `live` tells whether its heartbeat goes on."""

    exit_code = 6

    def __init__(
        self, what: str, where: str = "", hint: str = "", *, owner: str = "", expires_in: float = 0.0, live: bool = True
    ) -> None:
        super().__init__(what, where, hint)
        self.owner, self.expires_in, self.live = owner, expires_in, live


class RevertFailed(WherryError):
    """The revert itself failed: hosts are named with the command that repairs them."""

    exit_code = 7


class ArchiveError(WherryError):
    """An archive that is damaged, hostile or of another kind than asked for."""

    exit_code = 65


class ProtocolError(UnreachableError):
    """A host that does not keep the protocol."""


class RemoteError(WherryError):
    """An error that a host reported; `kind` is the class name in runtime/errors.py."""

    def __init__(self, kind: str, what: str, where: str = "", hint: str = "", exit_code: int = 1) -> None:
        super().__init__(what, where, hint)
        self.kind, self.exit_code = kind, exit_code


class Interrupted(WherryError):
    """Ctrl-C."""

    exit_code = 130


def from_wire(error: dict[str, Any], host: str) -> WherryError:
    """The error that a host reported (runtime/errors.py: to_json) as one of this tree, with the host as its place."""
    what, hint = str(error.get("what", "unknown error")), str(error.get("hint", ""))
    where = ": ".join(part for part in (host, str(error.get("where", ""))) if part)
    if error.get("kind") == "LockedError":
        return LockedError(
            what,
            where,
            hint,
            owner=str(error.get("owner", "")),
            expires_in=float(error.get("expires_in", 0)),
            live=bool(error.get("live", True)),
        )
    if error.get("kind") == "ArchiveError":
        return ArchiveError(what, where, hint)
    return RemoteError(str(error.get("kind", "")), what, where, hint, max(1, int(error.get("exit_code", 1))))


def exit_code(errors: list[WherryError]) -> int:
    """The exit code of a run in which these errors happened: the most urgent one, 0 without any."""
    codes = {error.exit_code for error in errors}
    return next((code for code in PRECEDENCE if code in codes), 1 if codes else 0)
