"""What a monitor that was killed could not do any more."""

import time

from ..errors import NotFound
from ..network.ports import Port
from ..process import cgroup
from . import endpoint, etc

UNSEEN = "its monitor ended before it did; how it ended is not known"


def after_lost_monitor(record):
    """Take ports, address and cgroup of a dead container back, and say in its state that nobody saw its end."""
    with record.locked():
        record.reload()
        if record.lost:
            _settle(record)


def _settle(record):
    if record.ports or record.address:
        _leave_network(record)
    try:
        cgroup.open(f"wherry/{record.id}").remove()
    except NotFound:
        pass  # the machine was restarted
    record.update(status="exited", pid=0, exit_code=None, finished=time.time(), ports=[], address=None, error=UNSEEN)


def _leave_network(record):
    from ..network import addresses, bridge, nftables

    ours = [(Port.from_json(each), record.address) for each in record.ports]
    nftables.withdraw(ours)
    etc.leave(record, addresses.subnet(record.dirs).gateway)
    bridge.detach(record.id)
    endpoint.release(record.dirs, record.id, record.address)
