"""What is up, on disk: written before each step that would leave something behind, so that a crash can be cleared."""

from __future__ import annotations

import json
import os
from dataclasses import asdict, dataclass, field
from typing import Any

from wherry.lab.processes import Process


def _boot_id() -> str:
    """What names this boot of the machine (random(4))."""
    with open("/proc/sys/kernel/random/boot_id", encoding="ascii") as file:
        return file.read().strip()


MOST_ALIAS = 255  # bytes in a device's alias (IFALIASZ less its zero byte)


@dataclass(frozen=True)
class HostRecord:
    """One host: where it answers, its leg on the switch, and the process that is number 1 inside."""

    name: str
    address: str
    leg: str
    first: Process


@dataclass(frozen=True)
class Record:
    """One lab. `net` is the first three bytes of its /24; the process `switch` keeps the bridge's namespace alive."""

    project: str
    name: str
    net: str
    interface: str
    ready: bool = False
    switch: Process | None = None
    hosts: tuple[HostRecord, ...] = ()
    boot: str = field(default_factory=_boot_id)

    @property
    def owner(self) -> str:
        """Whose lab this is, as its device on this machine says."""
        return f"the lab of {self.project}"[:MOST_ALIAS]

    @property
    def processes(self) -> list[Process]:
        """Every process that must go for the lab to be down, hosts first; none is left after a reboot."""
        if self.boot != _boot_id():
            return []
        return [*(host.first for host in self.hosts), *([self.switch] if self.switch else [])]

    @property
    def alive(self) -> bool:
        """Whether the lab was taken up completely and the switch and every host still run."""
        return self.ready and bool(self.processes) and all(process.alive for process in self.processes)


def write(path: str, record: Record) -> None:
    """Replace the record on disk; whoever reads it sees the old or the new one."""
    temporary = path + ".new"
    with open(temporary, "w", encoding="utf-8") as file:
        json.dump(asdict(record), file, indent=1)
    os.replace(temporary, path)


def read(path: str) -> Record | None:
    """The record on disk; None when there is none."""
    try:
        with open(path, encoding="utf-8") as file:
            raw: dict[str, Any] = json.load(file)
    except FileNotFoundError:
        return None
    raw["switch"] = Process(**raw["switch"]) if raw["switch"] else None
    raw["hosts"] = tuple(HostRecord(**{**host, "first": Process(**host["first"])}) for host in raw["hosts"])
    return Record(**raw)
