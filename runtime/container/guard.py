"""Put the network's rules back when somebody flushes them (`nft flush ruleset`): a child of the keeper that waits for that."""

import posix
import select

from .. import linux
from ..network import bridge, nftables
from ..network.ports import Port
from . import record as records

KILL = 9


def guard(dirs):
    """Wait for changes of the ruleset and repair what is missing, until the keeper ends; never returns."""
    linux.prctl(linux.PR_SET_PDEATHSIG, KILL)
    try:
        watching = nftables.watch()
        poll = select.poll()
        poll.register(watching.fileno(), select.POLLIN)
        while True:
            poll.poll()
            watching.is_told(0)
            if not nftables.is_loaded():
                _repair(dirs)
    finally:
        posix._exit(0)


def _repair(dirs):
    live = list(_on_the_bridge(dirs))
    if live:
        bridge.restore(dirs, live)


def _on_the_bridge(dirs):
    """(id, address, [Port]) of every container that runs and has an address."""
    for container_id in records.ids(dirs):
        try:
            record = records.load(dirs, container_id)
        except records.NotFound:
            continue  # being made or removed right now
        if record.address and record.alive:
            yield record.id, record.address, [Port.from_json(each) for each in record.ports]
