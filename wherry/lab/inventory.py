"""What a lab tells others about itself: inventory, known_hosts and a configuration for `ssh -F`."""

from __future__ import annotations

import json

from wherry.lab.keys import ensure_key
from wherry.lab.layout import Layout
from wherry.lab.record import Record

GROUP = "web"


def write(layout: Layout, record: Record) -> None:
    """Write all three for the hosts of this lab."""
    _write(layout.known_hosts, _known_hosts(layout, record))
    _write(layout.inventory, _inventory(layout, record))
    _write(layout.ssh_config, _ssh_config(layout, record))


def _known_hosts(layout: Layout, record: Record) -> str:
    lines = [f"{host.name},{host.address} {ensure_key(layout.host(host.name).key)}" for host in record.hosts]
    return "\n".join(lines) + "\n"


def _inventory(layout: Layout, record: Record) -> str:
    hosts = [f"        {host.name}: {{ansible_host: {host.address}}}" for host in record.hosts]
    return "\n".join(
        [
            f"# Written by `wherry lab up {len(hosts)}`; it is gone after `wherry lab down`.",
            "all:",
            "  vars:",
            "    ansible_user: root",
            f"    ansible_ssh_private_key_file: {json.dumps(layout.key)}",
            f"    wherry_known_hosts: {json.dumps(layout.known_hosts)}",
            f"    wherry_lab: {json.dumps(layout.folder)}",
            "  children:",
            f"    {GROUP}:",
            "      hosts:",
            *hosts,
            "",
        ]
    )


def _ssh_config(layout: Layout, record: Record) -> str:
    hosts = [f"Host {host.name} {host.address}\n  HostName {host.address}" for host in record.hosts]
    common = f'Host *\n  User root\n  IdentityFile "{layout.key}"\n  IdentitiesOnly yes'
    return "\n".join([*hosts, common, f'  UserKnownHostsFile "{layout.known_hosts}"', ""])


def _write(path: str, text: str) -> None:
    with open(path, "w", encoding="utf-8") as file:
        file.write(text)
