"""One lab host, from an ordinary process to a machine of its own: `python -m wherry.lab.host`, started by lab.py.

Standard input brings the plan (a line of JSON) once the lab has made the cgroups, and one line more, the delay in
milliseconds, once the network is connected; if the lab dies before that, end-of-file ends this process. Standard
output tells the PID of the host's first process.
"""

from __future__ import annotations

import os
import signal
import sys
from collections.abc import Callable

from wherry.lab import cgroups, namespaces, plan, relay, root
from wherry.lab.plan import HostPlan

OPENSSH = "/usr/sbin/sshd"
PORT, BEHIND_RELAY = 22, 2222
CONFIGURATION = """\
HostKey {key}
Port {port}
ListenAddress {address}
PermitRootLogin prohibit-password
PasswordAuthentication no
UseDNS no
UsePAM {pam}
AcceptEnv LANG LC_*
Subsystem sftp internal-sftp
"""


def main() -> None:
    """Become the host: cgroups, namespaces, process 1, root, network, sshd."""
    told = plan.from_line(_next_line())
    cgroups.join(told.cgroups)
    namespaces.unshare(namespaces.ALL)
    first = os.fork()
    if first:
        # Still of the machine's PID namespace: only here the number means something to the lab.
        os.write(1, f"{first}\n".encode())
        os._exit(0)
    # Process 1 of the new PID namespace, root, the machine's files still in sight.
    os.setsid()
    cgroups.leave_root_empty(told.cgroups)
    namespaces.mount("none", "/", flags=namespaces.MS_REC | namespaces.MS_PRIVATE)
    at = root.build(told)
    namespaces.sethostname(told.name)
    delay = float(_next_line())
    servers = start_servers(told, at, delay)
    for_ever(servers)


def start_servers(told: HostPlan, at: str, delay: float) -> list[int]:
    """Start what answers on port 22, and enter the root; returns the PIDs without which the host is of no use."""
    openssh = told.prefer_openssh and os.path.exists(at + OPENSSH)
    outside = []
    if delay:
        outside.append(_fork(lambda: relay.serve(PORT, BEHIND_RELAY, delay / 2000)))
    port = BEHIND_RELAY if delay else PORT
    if not openssh:
        outside.append(_fork(lambda: _serve_embedded(told, at, port)))
    if outside:
        # They keep the machine's files in sight (they import from there); what they start for a client joins ours.
        namespaces.unshare(namespaces.CLONE_NEWNS)
    _silence()
    namespaces.pivot_root(at)
    return [*outside, _start_openssh(port)] if openssh else outside


def for_ever(servers: list[int]) -> None:
    """Reap what the host's processes leave behind, as process 1 must, until a server has ended."""
    while True:
        pid, status = os.wait()
        if pid in servers:
            sys.exit(f"lab host: server process {pid} ended with status {status}")


def _start_openssh(port: int) -> int:
    address = "127.0.0.1" if port == BEHIND_RELAY else "0.0.0.0"  # noqa: S104 - inside the lab's network
    pam = "yes" if os.path.exists("/etc/pam.d/sshd") else "no"
    configuration = "/etc/ssh/wherry_lab_config"
    with open(configuration, "w", encoding="utf-8") as file:
        file.write(CONFIGURATION.format(key=HostPlan.HOST_KEY, port=port, address=address, pam=pam))
    return os.posix_spawn(OPENSSH, [OPENSSH, "-D", "-e", "-f", configuration], root.ENVIRONMENT)


def _serve_embedded(told: HostPlan, at: str, port: int) -> None:
    from wherry.lab import sshserver  # late: paramiko takes 200 ms

    address = "127.0.0.1" if port == BEHIND_RELAY else "0.0.0.0"  # noqa: S104 - inside the lab's network
    # Opened at each use: process 1 is in its final mount namespace by then.
    sshserver.serve(address, port, told.key, told.authorized_key, lambda: _enter_root(at))


def _enter_root(at: str) -> None:
    fd = os.open(f"{at}/proc/1/ns/mnt", os.O_RDONLY | os.O_CLOEXEC)
    namespaces.setns(fd, namespaces.CLONE_NEWNS)
    os.chdir("/root")


def _fork(serve: Callable[[], None]) -> int:
    pid = os.fork()
    if pid == 0:
        namespaces.die_with_parent(signal.SIGKILL)
        _silence()
        serve()
        os._exit(1)
    return pid


def _silence() -> None:
    """Let go of the lab's pipes; the log stays on standard error."""
    null = os.open("/dev/null", os.O_RDWR)
    for fd in (0, 1):
        os.dup2(null, fd)
    os.close(null)


def _next_line() -> str:
    line = sys.stdin.readline()
    if not line:
        sys.exit("lab host: the lab was gone before the host was ready")
    return line


if __name__ == "__main__":
    main()
