"""Published ports that move from one container to another: the rules in one transaction, then what holds them."""

import posix

from ..container import monitor
from ..container.endpoint import bind
from ..container.record import LIVE
from ..network import conntrack, nftables
from ..network.ports import Port

_AT_ONCE = 200  # descriptors in one message; the kernel takes 253


def wanted(record):
    """The ports that the container is to publish."""
    return [Port.from_json(each) for each in record.spec["wherry"]["ports"]]


def published(record):
    """The ports that lead to the container now."""
    return [Port.from_json(each) for each in record.ports] if record and record.status in LIVE else []


def pairs(ports, address):
    """(Port, container address) of each, as nftables takes them."""
    return [(port, address) for port in ports] if address else []


def hold_new(ports, held):
    """Bind those of `ports` whose number nobody of ours holds yet: {Port: socket}; Conflict when one is in use."""
    ours = {_number(port) for port in held}
    return {port: bind(port) for port in ports if _number(port) not in ours}


def flip(old, new, owners):
    """Lead the pairs `new` where `old` led, in one transaction; open connections stay where they are.

    owners: the records of the containers that have them then.
    """
    nftables.switch(old, new, {record.address: record.id[:12] for record in owners})


def forget_flows(old):
    """Let UDP clients follow to where the pairs `old` now lead: without that they stay as long as they talk."""
    for address in {address for _, address in old}:
        conntrack.delete(address, "udp")


def hand_over(giver, taker, ports, bound):
    """Give the taker's monitor what holds its `ports`: a descriptor that it or the giver has, of `bound`, or a new one.

    What of the giver's is not needed stays with it, so that nobody else gets the port before the commit.
    """
    held, own = _take(giver), _take(taker)
    descriptors = {port: bound[port].detach() for port in ports if port in bound}
    for port in ports:
        if port not in descriptors:
            descriptors[port] = _pop(own, port) or _pop(held, port) or _bind_after(port, held)
    _give(taker, {**own, **descriptors})
    _give(giver, held)


def _pop(held, port):
    """The descriptor of `port`, whatever container port it led to, or None."""
    same = next((each for each in held if _place(each) == _place(port)), None)
    return held.pop(same) if same else None


def _take(giver):
    """{Port: descriptor} of what the giver's monitor held; nothing when it is gone."""
    if not (giver and giver.monitored):
        return {}
    listed, descriptors = monitor.take_ports(giver)
    return dict(zip(map(Port.from_json, listed), descriptors))


def _give(taker, descriptors):
    ports = list(descriptors) if taker and taker.monitored else []  # without a monitor only the rules lead there
    for start in range(0, len(ports), _AT_ONCE):
        some = ports[start : start + _AT_ONCE]
        monitor.give_ports(taker, [port.to_json() for port in some], [descriptors[port] for port in some])
    for fd in descriptors.values():
        posix.close(fd)


def _bind_after(port, held):
    """A new descriptor for `port`; one of ours for the same number at another address is in the way and let go."""
    for each in [each for each in held if _number(each) == _number(port)]:
        posix.close(held.pop(each))
    return bind(port).detach()


def _number(port):
    return port.protocol, port.host_port


def _place(port):
    return port.protocol, port.address, port.host_port
