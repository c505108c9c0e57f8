"""Throwaway hosts on this machine: taken up, found again, cut off, taken down."""

from __future__ import annotations

import contextlib
import os
import shutil
import subprocess
import sys
from collections.abc import Callable, Sequence
from dataclasses import replace
from types import TracebackType

from wherry.errors import UsageError
from wherry.lab import cgroups, inventory, layout, namespaces, network, record, starting
from wherry.lab.layout import Layout
from wherry.lab.locking import locked
from wherry.lab.plan import Options
from wherry.lab.record import HostRecord, Record

NET = "10.77.0"
MOST_HOSTS = 240
Progress = Callable[[str], None]


class Lab:
    """A lab that is up. As a context manager it is taken down at the end."""

    def __init__(self, files: Layout, state: Record) -> None:
        self.files = files
        self.record = state

    @property
    def hosts(self) -> tuple[HostRecord, ...]:
        """The hosts, web1 first: name, address, first process."""
        return self.record.hosts

    @property
    def inventory_file(self) -> str:
        """The inventory that names these hosts."""
        return self.files.inventory

    @property
    def machine_address(self) -> str:
        """This machine's address in the lab."""
        return f"{self.record.net}.{network.MACHINE}"

    def host(self, name: str) -> HostRecord:
        """The host of this name; raises UsageError when there is none."""
        for host in self.hosts:
            if host.name == name:
                return host
        known = ", ".join(host.name for host in self.hosts)
        raise UsageError(f"the lab has no host '{name}'", self.files.folder, f"it has {known}")

    def cut(self, name: str) -> None:
        """Pull the host's cable: packets to it vanish, those of connections too."""
        network.set_leg(self._switch, self.host(name).leg, up=False)

    def mend(self, name: str) -> None:
        """Plug the host's cable in again."""
        network.set_leg(self._switch, self.host(name).leg, up=True)

    def run(
        self, name: str, argv: Sequence[str], *, stdin: str | None = None, timeout: float = 60
    ) -> subprocess.CompletedProcess[str]:
        """Run a command as root inside a host, without SSH, and return what it wrote and its exit code."""
        words = self.command(name, argv)
        return subprocess.run(words, input=stdin, capture_output=True, text=True, timeout=timeout, check=False)

    def command(self, name: str, argv: Sequence[str]) -> list[str]:
        """The command of this machine that runs `argv` inside a host."""
        pid = str(self.host(name).first.pid)
        return [sys.executable, "-I", "-m", "wherry.lab.enter", pid, _group(self.record, name), *argv]

    def inside(self) -> contextlib.AbstractContextManager[None]:
        """Run the body of a `with` in the lab's own network, which has no route out of this machine.

        Holds for the calling thread, for sockets it makes and for processes and threads it starts meanwhile.
        """
        return namespaces.network_of(self._switch)

    def log(self, name: str) -> str:
        """What the host's first process and its sshd have said so far."""
        with open(self.files.host(self.host(name).name).log, encoding="utf-8", errors="replace") as file:
            return file.read()

    def down(self) -> None:
        """End every host and remove every trace but keys."""
        with locked(self.files.lock):
            _clear(self.files)

    def __enter__(self) -> Lab:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.down()

    @property
    def _switch(self) -> int:
        assert self.record.switch
        return self.record.switch.pid


def up(
    project_root: str,
    count: int,
    *,
    name: str = "lab",
    net: str = NET,
    root: str = "/",
    delay_ms: float = 0,
    prefer_openssh: bool = True,
    progress: Progress | None = None,
) -> Lab:
    """Start hosts web1..webN at NET.11 and on, replacing the project's lab of this name; they stay until `down`.

    root: file system they start from.  delay_ms: added to each round trip over SSH.  Raises UsageError when this
    machine cannot carry a lab or the network is taken. An `up` that fails leaves nothing behind.
    """
    files = layout.layout(project_root, name)
    options = Options(os.path.abspath(root), delay_ms, prefer_openssh)
    _check(count, net, options)
    os.makedirs(files.folder, mode=0o700, exist_ok=True)
    with locked(files.lock):
        _clear(files)
        state = Record(os.path.abspath(project_root), name, net, interface(net))
        _check_free(state)
        try:
            state = replace(starting.start(files, state, count, options, progress or _quiet), ready=True)
            inventory.write(files, state)
            record.write(files.record, state)
        except BaseException:  # Ctrl-C too: what has been started must go
            _clear(files)
            raise
    return Lab(files, state)


def find(project_root: str, name: str = "lab") -> Lab | None:
    """The project's lab of this name if it is up, all of it; otherwise None."""
    files = layout.layout(project_root, name)
    state = record.read(files.record)
    return Lab(files, state) if state and state.alive else None


def down(project_root: str, name: str = "lab") -> bool:
    """Take down the project's lab of this name, or what a crash left of it; False when there was none."""
    files = layout.layout(project_root, name)
    if not os.path.exists(files.record):
        return False
    with locked(files.lock):
        _clear(files)
    return True


def interface(net: str) -> str:
    """The name of this machine's leg into the lab; one network, one name, so that two labs cannot share one."""
    return "lab-" + net.replace(".", "-")


def _clear(files: Layout) -> None:
    state = record.read(files.record)
    if state is not None:
        if _has_network(state):  # asked while the switch lives: no other lab can have come by these cgroups
            cgroups.remove(_group(state))
        for process in state.processes:
            process.kill()
        if _has_network(state):
            starting.wait_until_gone(state.interface)
    if os.path.isdir(files.hosts):
        shutil.rmtree(files.hosts)
    for path in (files.inventory, files.ssh_config, files.known_hosts, files.record):
        if os.path.exists(path):
            os.unlink(path)


def _has_network(state: Record) -> bool:
    """False once a later lab has the network."""
    return network.owner_of(state.interface) in ("", state.owner)


def _group(state: Record, host: str = "") -> str:
    return os.path.join(f"wherry-{state.interface}", host).rstrip("/")


def _check(count: int, net: str, options: Options) -> None:
    if os.geteuid() != 0:
        raise UsageError("a lab needs root: its hosts are namespaces of this machine", hint="sudo, or a real host")
    if not 1 <= count <= MOST_HOSTS:
        raise UsageError(f"a lab has 1 to {MOST_HOSTS} hosts, not {count}")
    parts = net.split(".")
    if len(parts) != 3 or not all(part.isdigit() and int(part) < 256 for part in parts):
        raise UsageError(f"'{net}' is not the first three bytes of a network", hint=f"as in --net {NET}")
    if not os.path.isdir(os.path.join(options.root, "bin")):
        raise UsageError("no file system for hosts to start from", options.root, "it must have bin/, etc/, usr/")


def _check_free(state: Record) -> None:
    owner = network.owner_of(state.interface)
    if owner:
        raise UsageError(
            f"the network {state.net}.0/24 belongs to {owner}",
            state.interface,
            "take it down there (wherry lab down), or choose another network: wherry lab up --net 10.77.1 N",
        )


def _quiet(text: str) -> None:
    """Say nothing."""
