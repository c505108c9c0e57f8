"""Which host to connect to, as whom, and what it is trusted by."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any


@dataclass(frozen=True)
class Target:
    """A host as the inventory names it; what is None comes from the user's SSH configuration, else from SSH's defaults."""

    name: str
    address: str = ""
    port: int | None = None
    user: str | None = None
    key_files: tuple[str, ...] = ()
    known_hosts_file: str | None = None
    host_key: str | None = None  # pinned: "ssh-ed25519 AAAA..." or "SHA256:..."; known_hosts is then not asked
    accept_new: bool = False  # write an unknown key to known_hosts instead of refusing it; never a changed one
    ssh_config: str | None = None  # instead of ~/.ssh/config and /etc/ssh/ssh_config, as `ssh -F`
    jump: tuple[str, ...] = ()  # hops "user@host:port" from here to the host
    connection: str = "ssh"  # or "local"
    python: str | None = None  # the host's interpreter; None finds one
    root: str = ""  # the host's state folder; "" is /var/lib/wherry, or the user's own
    timeout: float = 10.0  # seconds to connect, and for each step of the greeting
    variables: Mapping[str, Any] = field(default_factory=dict)

    @property
    def host(self) -> str:
        """The name or address that SSH is given."""
        return self.address or self.name
