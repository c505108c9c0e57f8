"""What of a lab is on this machine, and what of containers: to show that nothing stays."""

from __future__ import annotations

from typing import Any

from wherry.lab import cgroups, network
from wherry.lab.record import Record


def of_lab(lab: Record) -> list[str]:
    """The device, cgroups, processes and mounts of a lab that are still here; empty after `down`."""
    owner = network.owner_of(lab.interface)
    found = [f"device {lab.interface}"] if owner == lab.owner else []
    if owner in ("", lab.owner):  # else the next lab on this network has come up meanwhile
        found += cgroups.find(f"wherry-{lab.interface}")
    found += [f"process {process.pid}" for process in lab.processes if process.alive]
    return found + [mount for mount in mounts() if f"{lab.project}/.wherry/" in mount]


def mounts() -> list[str]:
    """The mounts of this machine: place and type."""
    with open("/proc/self/mountinfo", encoding="utf-8") as file:
        lines = [line.split() for line in file]
    return [f"mount {words[4]} {words[words.index('-') + 1]}" for words in lines]


def rules() -> list[str]:
    """The nf_tables tables of this machine's network; empty where the kernel has none."""
    from pyroute2.nftables.main import NFTables  # late: 300 ms

    try:
        with NFTables() as tables:
            return [f"nft table {_name(table)}" for table in tables.get_tables()]
    except OSError:
        return []


def _name(table: Any) -> str:
    return str(table.get_attr("NFTA_TABLE_NAME"))
