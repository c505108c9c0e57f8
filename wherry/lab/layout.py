"""Where a lab keeps its files: `.wherry/<name>/` in the project, ignored by git."""

from __future__ import annotations

import os
from dataclasses import dataclass


@dataclass(frozen=True)
class Layout:
    """The files of one lab; `folder` is absolute."""

    folder: str

    @property
    def record(self) -> str:
        """What is up: processes, cgroups, addresses."""
        return os.path.join(self.folder, "state.json")

    @property
    def lock(self) -> str:
        """Held while a lab is taken up or down."""
        return os.path.join(self.folder, "lock")

    @property
    def key(self) -> str:
        """The private key of the client; the public one lies beside it."""
        return os.path.join(self.folder, "id_ed25519")

    @property
    def known_hosts(self) -> str:
        """The host keys, in OpenSSH's format."""
        return os.path.join(self.folder, "known_hosts")

    @property
    def inventory(self) -> str:
        """The inventory that `--env lab` reads."""
        return os.path.join(self.folder, "inventory.yml")

    @property
    def ssh_config(self) -> str:
        """For `ssh -F`."""
        return os.path.join(self.folder, "ssh_config")

    @property
    def hosts(self) -> str:
        """Overlays and disks of the hosts."""
        return os.path.join(self.folder, "hosts")

    def host(self, name: str) -> HostLayout:
        """The files of one host."""
        return HostLayout(os.path.join(self.hosts, name), os.path.join(self.folder, "keys", name))


@dataclass(frozen=True)
class HostLayout:
    """The files of one host: `folder` goes with the host, `key` (its private host key) stays."""

    folder: str
    key: str

    @property
    def log(self) -> str:
        """What the host's first process and its sshd say."""
        return os.path.join(self.folder, "log")


def layout(project_root: str, name: str = "lab") -> Layout:
    """The files of the project's lab of this name."""
    return Layout(os.path.join(os.path.abspath(project_root), ".wherry", name))
