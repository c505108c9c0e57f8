"""What a session is asked to do."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from wherry.connection.wire import Header


@dataclass(frozen=True)
class Become:
    """Another user for a request; `method` is sudo or su (from root neither is needed)."""

    user: str = "root"
    method: str = "sudo"


@dataclass(frozen=True)
class TaskRequest:
    """One module call.

    digest: of a project's own module, whose source is then in the session's contents; None for a built-in one.
    epoch: after a failure, requests of the same or a lower epoch are dropped, others of its `group` excepted.
    """

    module: str
    args: Mapping[str, Any]
    digest: str | None = None
    check: bool = False
    diff: bool = False
    become: Become | None = None
    timeout: float | None = None
    epoch: int = 0
    group: int | None = None
    ignore_errors: bool = False
    environment: Mapping[str, str] = field(default_factory=dict)

    def to_wire(self) -> Header:
        """The frame; what is at its default is left out."""
        header: Header = {"type": "task", "module": self.module, "args": self.args, "epoch": self.epoch}
        for name in ("digest", "check", "diff", "timeout", "group", "ignore_errors", "environment"):
            if value := getattr(self, name):
                header[name] = value
        if self.group is not None:
            header["group"] = self.group
        return {**header, **as_user(self.become)}


@dataclass(frozen=True)
class Ticket:
    """A request that was sent."""

    number: int


def as_user(become: Become | None) -> Header:
    """What a frame says of the user that it is for."""
    return {"become": {"user": become.user, "method": become.method}} if become else {}
