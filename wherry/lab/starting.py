"""Starting a lab's switch and hosts; every process is on record before it may do anything that stays."""

from __future__ import annotations

import os
import socket
import subprocess
import sys
import time
from collections.abc import Callable
from dataclasses import replace

from wherry.errors import UsageError
from wherry.lab import cgroups, namespaces, network, record
from wherry.lab.keys import ensure_key
from wherry.lab.layout import Layout
from wherry.lab.plan import HostPlan, Options
from wherry.lab.processes import Process, process
from wherry.lab.record import HostRecord, Record

READY_WITHIN = 20.0  # seconds until every sshd must have answered


def start(files: Layout, state: Record, count: int, options: Options, say: Callable[[str], None]) -> Record:
    """Start the switch and `count` hosts and return the record once every sshd answers."""
    plans = make_plans(files, state, count, options)
    starting = [_spawn(files, plan) for plan in plans]  # they import while we do
    try:
        switch, keeper = start_switch()
        state = replace(state, switch=switch)
        record.write(files.record, state)
        _let_live(keeper)
        network.connect_machine(state.net, state.interface, switch.pid, state.owner)
        for plan, pipe in zip(plans, starting, strict=True):
            state = let_begin(files, state, plan, pipe)
        for host, pipe in zip(state.hosts, starting, strict=True):
            connect(files, switch.pid, host, pipe, options.delay_ms)
        for host in state.hosts:
            wait_ready(files, host)
            say(f"{host.name} is up at {host.address}")
    finally:
        for pipe in starting:
            _let_go(pipe)
    return state


def make_plans(files: Layout, state: Record, count: int, options: Options) -> list[HostPlan]:
    """What each host is to be, its keys and folders made."""
    names = {f"web{n}": f"{state.net}.{network.FIRST_HOST + n - 1}" for n in range(1, count + 1)}
    client = ensure_key(files.key)
    plans = []
    for name, address in names.items():
        own = files.host(name)
        ensure_key(own.key)
        os.makedirs(own.folder, mode=0o700)
        plans.append(
            HostPlan(
                name=name,
                address=address,
                lower=options.root,
                state=files.folder,
                folder=own.folder,
                key=own.key,
                authorized_key=client,
                neighbours=names,
                cgroups=[],
                prefer_openssh=options.prefer_openssh,
            )
        )
    return plans


def start_switch() -> tuple[Process, subprocess.Popen[bytes]]:
    """Start the process that keeps the bridge's network namespace; it ends with us unless it is let live."""
    with namespaces.new_network():
        keeper = subprocess.Popen(
            ["/bin/sh", "-c", "read -r go && exec sleep infinity </dev/null"],
            stdin=subprocess.PIPE,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
            cwd="/",
            start_new_session=True,
        )
    return process(keeper.pid), keeper


def let_begin(files: Layout, state: Record, plan: HostPlan, pipe: subprocess.Popen[bytes]) -> Record:
    """Make the host's cgroups, let it become process 1 of its namespaces, and write that process down."""
    group = os.path.join(f"wherry-{state.interface}", plan.name)
    plan = replace(plan, cgroups=cgroups.create(group))
    told = _tell(files, plan.name, pipe, plan.to_line())
    host = HostRecord(plan.name, plan.address, plan.name, process(int(told)))
    state = replace(state, hosts=(*state.hosts, host))
    record.write(files.record, state)
    return state


def connect(files: Layout, switch: int, host: HostRecord, pipe: subprocess.Popen[bytes], delay_ms: float) -> None:
    """Give the host its network and let it start its sshd."""
    network.connect_host(switch, host.first.pid, host.leg, host.address)
    relayed = delay_ms if delay_ms and not network.delay(switch, host.leg, host.first.pid, delay_ms) else 0
    assert pipe.stdin
    try:
        pipe.stdin.write(f"{relayed}\n".encode())
        pipe.stdin.flush()
    except BrokenPipeError:
        raise _failed(files, host.name) from None


def wait_ready(files: Layout, host: HostRecord) -> None:
    """Wait until the host's SSH server greets us."""
    deadline = time.monotonic() + READY_WITHIN
    while time.monotonic() < deadline and host.first.alive:
        try:
            with socket.create_connection((host.address, 22), timeout=1) as connection:
                if connection.recv(4) == b"SSH-":
                    return
        except OSError:
            pass  # not listening yet
        time.sleep(0.01)
    raise _failed(files, host.name)


def wait_until_gone(interface: str, timeout: float = 5.0) -> None:
    """Wait until the kernel has removed this machine's leg, which goes with the switch's namespace."""
    deadline = time.monotonic() + timeout
    while os.path.exists(f"/sys/class/net/{interface}"):
        if time.monotonic() > deadline:
            network.remove(interface)  # a process of a caller still lives in the lab's network
        time.sleep(0.005)


def _spawn(files: Layout, plan: HostPlan) -> subprocess.Popen[bytes]:
    with open(files.host(plan.name).log, "ab") as log:
        return subprocess.Popen(
            [sys.executable, "-I", "-m", "wherry.lab.host"],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=log,
            cwd="/",
            start_new_session=True,
        )


def _tell(files: Layout, name: str, pipe: subprocess.Popen[bytes], line: bytes) -> bytes:
    """Send a line and return the line that comes back."""
    assert pipe.stdin and pipe.stdout
    try:
        pipe.stdin.write(line)
        pipe.stdin.flush()
    except BrokenPipeError:
        raise _failed(files, name) from None
    answer = pipe.stdout.readline()
    if not answer:
        raise _failed(files, name)
    return answer


def _let_live(keeper: subprocess.Popen[bytes]) -> None:
    assert keeper.stdin
    with keeper.stdin as pipe:
        pipe.write(b"go\n")
    keeper.returncode = 0  # it outlives us: nobody here waits for it


def _let_go(pipe: subprocess.Popen[bytes]) -> None:
    for stream in (pipe.stdin, pipe.stdout):
        if stream:
            try:
                stream.close()
            except BrokenPipeError:
                pass  # it has ended, and its error is on its way
    pipe.wait()


def _failed(files: Layout, name: str) -> UsageError:
    path = files.host(name).log
    with open(path, encoding="utf-8", errors="replace") as file:
        last = file.read().strip().splitlines()[-3:]
    return UsageError(f"lab host {name} did not start: {' | '.join(last) or 'it said nothing'}", path)
