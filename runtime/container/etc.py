"""The files of a container's /etc that are ours: hosts, hostname, resolv.conf; bind-mounted from the run directory."""

import posix

from .. import state
from ..network import names as network_names

FILES = ("hosts", "hostname", "resolv.conf")
RESOLVERS = ("/etc/resolv.conf", "/run/systemd/resolve/resolv.conf")
LONGEST = 1 << 20


def mounts(record):
    """The OCI mounts that put the files in place."""
    return [
        {
            "destination": f"/etc/{name}",
            "type": "bind",
            "source": f"{record.run_dir}/etc/{name}",
            "options": ["bind", "rw"],
        }
        for name in FILES
    ]


def write(record, hostname, network, address=None, gateway=None):
    """Write the three files for a container that is about to start; `address` and `gateway` on a bridge only."""
    folder = f"{record.run_dir}/etc"
    if not state.exists(folder):
        posix.mkdir(folder, 0o755)
    texts = {"hostname": hostname + "\n", "resolv.conf": resolvers(network)}
    if network == "host":
        texts["hosts"] = _read("/etc/hosts")
    elif network == "none":
        texts["hosts"] = "127.0.0.1\tlocalhost\n::1\tlocalhost\n"
    else:
        texts["hosts"] = network_names.hosts_file(hostname, address, _peers(record), gateway)
    for name, text in texts.items():
        _overwrite(f"{folder}/{name}", text)


def resolvers(network):
    """The text of resolv.conf: the host's, on a bridge without resolvers that only the host itself can reach."""
    if network == "host":
        return _read(RESOLVERS[0])
    for path in RESOLVERS:
        lines = _read(path).splitlines()
        reachable = [line for line in lines if not line.split()[1:] or not line.split()[1].startswith(("127.", "::1"))]
        if any(line.startswith("nameserver") for line in reachable):
            return "\n".join(reachable) + "\n"
    return ""


def join(record, gateway):
    """Make the container's name known to the others of its network, if somebody gave it that name."""
    if record.request.get("name"):
        answer_to(record, gateway, record.name)


def answer_to(record, gateway, name):
    """Let `name` mean this container, and no other, for all containers of its network."""

    def change(members):
        for other in [each for each, (held, _) in members.items() if held == name]:
            del members[other]
        members[record.id] = [name, record.address]

    _change(record.dirs, gateway, change)


def leave(record, gateway):
    """Take the container's name back."""
    if record.request.get("name"):
        _change(record.dirs, gateway, lambda members: members.pop(record.id, None))


def _change(dirs, gateway, change):
    with state.locked(f"{dirs.locks}/names"):
        members = state.read(f"{dirs.networks}/names.json", missing={})
        change(members)
        state.write(f"{dirs.networks}/names.json", members, durable=False)
        known = dict(members.values())
        for container_id, (name, address) in members.items():
            path = f"{dirs.run}/{container_id}/etc/hosts"
            if state.exists(path):
                # In place: the container has this very file mounted.
                _overwrite(path, network_names.hosts_file(name, address, known, gateway))


def _peers(record):
    return dict(state.read(f"{record.dirs.networks}/names.json", missing={}).values())


def _overwrite(path, text):
    fd = posix.open(path, posix.O_WRONLY | posix.O_CREAT | posix.O_CLOEXEC | posix.O_NOFOLLOW, 0o644)
    try:
        posix.fchmod(fd, 0o644)
        posix.write(fd, text.encode())
        posix.ftruncate(fd, len(text.encode()))
    finally:
        posix.close(fd)


def _read(path):
    try:
        fd = posix.open(path, posix.O_RDONLY | posix.O_CLOEXEC)
    except FileNotFoundError:
        return ""
    try:
        return posix.read(fd, LONGEST).decode("utf-8", "replace")
    finally:
        posix.close(fd)
