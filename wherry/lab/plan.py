"""What hosts are to be: the choices of who takes the lab up, and what a host's first process is told."""

from __future__ import annotations

import json
from dataclasses import asdict, dataclass, field


@dataclass(frozen=True)
class Options:
    """What hosts are made of: `root` is the file system they start from, `delay_ms` is added to a round trip."""

    root: str = "/"
    delay_ms: float = 0
    prefer_openssh: bool = True


@dataclass(frozen=True)
class HostPlan:
    """One host to be, sent as a line of JSON.

    Paths are this machine's: `state` is the lab's folder, `folder` the host's in it, `key` its private host key.
    """

    name: str
    address: str
    lower: str
    state: str
    folder: str
    key: str
    authorized_key: str
    neighbours: dict[str, str]
    cgroups: list[str] = field(default_factory=list)
    prefer_openssh: bool = True

    HOST_KEY = "/etc/ssh/wherry_lab_key"  # inside the host

    def to_line(self) -> bytes:
        """As one line."""
        return json.dumps(asdict(self)).encode() + b"\n"


def from_line(line: str) -> HostPlan:
    """The plan that `to_line` wrote."""
    return HostPlan(**json.loads(line))
