"""Drain a container that gets no new connections any more: let its clients leave, then send them away.

1. The container's own `drain` (signal, http or command), so that it answers `Connection: close`.
2. Connections at rest are hung up from outside, until the kernel knows none or `drain_timeout` is over.
3. What is left is ended and rejected: a frozen container must hold no connection, its clients would hang.
"""

import time

from ..container import health
from ..errors import UsageError, WherryError
from ..network import conntrack, hangup, nftables
from ..process import cgroup

TIMEOUT = 30.0  # seconds, where a rollout says nothing else
REST = 5  # milliseconds since the last answer; the kernel counts in 4 or 10.  Less leaves the close more time to arrive
PAUSE = 0.005  # seconds between two looks, and at least as long as a look takes
QUIET = 10  # looks in a row that find no connection: the last ones may still be on their way in
_COMMAND_TIMEOUT = 10.0


def drain(containers, record, ports, limit, permit=None):
    """End all connections to `record`, which publishes nothing any more, in `limit` seconds; reject what comes later."""
    if not record.address or record.status != "running":
        return
    numbers, began = {port.container_port for port in ports}, time.monotonic()
    own = _notify(containers, record, record.request.get("rollout", {}).get("drain"))
    patient_until = began + (limit / 2 if own else 0)  # who drains by itself knows better which connection is at rest
    quiet = 0
    while quiet < QUIET and time.monotonic() < began + limit and record.alive:
        if permit:
            permit.check()
        looked = time.monotonic()
        quiet = 0 if conntrack.living(record.address) else quiet + 1
        if not quiet and looked >= patient_until:
            hangup.hang_up(pids(record), REST, numbers)
        time.sleep(max(PAUSE, time.monotonic() - looked))
    hangup.end(pids(record), numbers)
    if record.alive:  # else the address is given back and may be somebody else's soon
        nftables.reject(record.address)


def pids(record):
    """All processes of the container."""
    try:
        return cgroup.open(f"wherry/{record.id}").pids()
    except (OSError, WherryError):
        return []  # it has ended


def check(request):
    """UsageError unless the `drain` of a checked request can be done."""
    way = request.get("rollout", {}).get("drain")
    if way is not None and not (isinstance(way, dict) and len(way) == 1 and next(iter(way)) in _WAYS):
        hint = "write one of signal: NAME, http: :PORT/PATH, command: [...]"
        raise UsageError(f"drain is {way!r}", f"container {request.get('name')}", hint)


def _notify(containers, record, way):
    """Tell the container in its own way; whether it has one.  A way that fails is no reason to keep its clients."""
    if not way:
        return False
    ((kind, value),) = way.items()
    try:
        _WAYS[kind](containers, record, value)
    except (WherryError, OSError):
        return False
    return True


def _by_signal(containers, record, name):
    containers.kill(record, name)


def _by_http(containers, record, target):
    health.probe(record, {"http": target, "timeout": _COMMAND_TIMEOUT})


def _by_command(containers, record, command):
    health.probe(record, {"command": command, "timeout": _COMMAND_TIMEOUT})


_WAYS = {"signal": _by_signal, "http": _by_http, "command": _by_command}
