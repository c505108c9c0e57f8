"""Start one container: address, cgroup, clone3 to execve, ports; what was begun is taken down when a step fails."""

import posix
import time

from ..errors import Conflict, WherryError
from ..process import cgroup, init
from . import record as records
from .endpoint import Endpoint
from .owner import Owner


def start(record, plumbing, monitor=None):
    """Start `record`'s container and return its Owner; on record the process `monitor` (this one) is its monitor.

    Raises Conflict for a port in use, StartError (125, 126, 127) when the command does not run, and others.
    """
    network = record.spec["wherry"]["network"]["mode"]
    owner = Owner(record, plumbing, Endpoint(record, network))
    with record.locked():
        record.reload()
        if record.status in records.LIVE:
            raise Conflict("runs already", record.name)
        try:
            _start(owner, record.spec, monitor or posix.getpid())
        except (WherryError, OSError):
            owner.clean_up()
            raise
    return owner


def _start(owner, spec, monitor):
    record, endpoint = owner.record, owner.endpoint
    ports = [] if record.request.get("staged") else _ports(spec)  # a successor's ports come with the switch
    endpoint.prepare(ports, spec.get("hostname") or record.id[:12])
    owner.cgroup = cgroup.create(f"wherry/{record.id}", spec["linux"].get("resources", {}))
    stdio = owner.plumbing.child_ends()
    owner.process = init.start(spec, stdio=stdio, cgroup=owner.cgroup, connect=endpoint.connect)
    owner.plumbing.started(owner.process)
    endpoint.publish(ports)
    _say_running(owner, monitor)
    endpoint.announce()


def _ports(spec):
    if not spec["wherry"]["ports"]:
        return []
    from ..network.ports import Port

    return [Port.from_json(each) for each in spec["wherry"]["ports"]]


def _say_running(owner, monitor):
    owner.record.update(
        status="running",
        pid=owner.process.pid,
        pid_start=records.start_time(owner.process.pid),
        monitor=monitor,
        monitor_start=records.start_time(monitor),
        started=time.time(),
        finished=None,
        exit_code=None,
        oom=False,
        error=None,
        health=None,
        notices=owner.process.notices,
        address=owner.endpoint.address,
        ports=[port.to_json() for port in owner.endpoint.ports],
    )
