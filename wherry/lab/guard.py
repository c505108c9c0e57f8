"""Nothing meant for a lab host ever leaves this machine: lab hosts are refused when their lab is not up."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING

from wherry.errors import UsageError
from wherry.lab import record
from wherry.lab.layout import Layout

if TYPE_CHECKING:
    from wherry.language.inventory import Host, Inventory

MARK = "wherry_lab"  # a host's variable: the folder of the lab it belongs to, relative to the project


def require_up(inventory: Inventory, project_root: str) -> None:
    """Raise UsageError unless every lab host of the inventory runs on this machine now, at the address it names."""
    for host in inventory.hosts.values():
        if MARK in host.merged:
            _require_host(host, os.path.join(project_root, str(host.merged[MARK])))


def _require_host(host: Host, folder: str) -> None:
    lab = record.read(Layout(folder).record)
    address = str(host.merged.get("ansible_host", host.name))
    running = {each.name: each for each in lab.hosts} if lab and lab.ready else {}
    if host.name not in running:
        raise UsageError(f"{host.name} is a lab host, and it is not up", folder, "start the lab: wherry lab up 3")
    if address != running[host.name].address:
        raise UsageError(
            f"{host.name} is a lab host at {running[host.name].address}, not at {address}",
            inventory_place(host),
            "take ansible_host from .wherry/lab/inventory.yml",
        )
    if not running[host.name].first.alive:
        raise UsageError(f"{host.name} is a lab host, and it has ended", folder, "start the lab again: wherry lab up 3")


def inventory_place(host: Host) -> str:
    """Where the inventory names the host."""
    return str(host.place or "")
