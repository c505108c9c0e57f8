"""The default network: the bridge `wherry0`, its rules, and a container's place in it."""

import errno
import posix

from .. import linux, state
from ..errors import NetworkError
from . import addresses, links, nftables
from .netlink import ROUTE, Netlink

NAME = "wherry0"
INSIDE = "eth0"  # what a container calls its own end


class Bridge:
    """The network as `attach` needs it: name and index of the bridge, subnet."""

    __slots__ = ("index", "name", "subnet")

    def __init__(self, name, index, subnet):
        self.name, self.index, self.subnet = name, index, subnet


def ensure(dirs):
    """The default network, made if it is not there; several processes may ask at once."""
    subnet = addresses.subnet(dirs)
    found = _whole(subnet)
    if not found:
        with state.locked(f"{dirs.locks}/network"):
            found = _whole(subnet) or _make(subnet)
    return found


def attach(bridge, pid, container_id, address):
    """Give process `pid`'s network namespace the link eth0 with `address` in the bridge, and a default route."""
    name = link_name(address)
    try:
        _plug(bridge, name, pid, container_id, address)
        nftables.allow_sender(name, address)
        _configure_inside(pid, bridge.subnet, address)
    except OSError as error:
        raise NetworkError(error.strerror, f"network of container {container_id[:12]}", "see `ip link`") from error


def detach(container_id):
    """Remove the container's link if it is still there: usually it went with the container's network namespace."""
    bridge = links.find(NAME)
    index = bridge and links.ports(bridge[0]).get(container_id)
    if index:
        with Netlink(ROUTE) as netlink:
            _remove(netlink, index)


def restore(dirs, live):
    """Load the rules again that somebody flushed, with what running containers had in them.

    live: (container id, address, [Port]) of each.  Until then their packets are dropped, because nobody may send.
    """
    ensure(dirs)
    for container_id, address, ports in live:
        nftables.allow_sender(link_name(address), address)
        nftables.publish([(port, address) for port in ports], container_id[:12])


def link_name(address):
    """The host's end of the link of the container at `address`: one name an address, so that rules can name both."""
    return nftables.ruleset.PORT_LINKS[:-1] + links.packed(address).hex()


def _whole(subnet):
    """The bridge if it is up, which is the last step of making it, and its rules are loaded."""
    found = links.find(NAME)
    if found and found[1] and nftables.is_loaded():
        return Bridge(NAME, found[0], subnet)
    return None


def _make(subnet):
    # Rules first: the bridge never forwards anything unguarded.
    nftables.ensure_table(NAME, subnet)
    found = links.find(NAME)
    with Netlink(ROUTE) as netlink:
        if not found:
            _refuse_overlap(subnet)
            netlink.transact([links.bridge(NAME, subnet.gateway)])
            found = links.find(NAME)
        index = found[0]
        netlink.transact([links.address(index, subnet.gateway, subnet.prefix)])
        _set_sysctls()
        netlink.transact([links.up(index)])
    return Bridge(NAME, index, subnet)


def _refuse_overlap(subnet):
    for first, prefix in links.destinations():
        if subnet.overlaps(first, prefix):
            other = f"{links.dotted(first.to_bytes(4, 'big'))}/{prefix}"
            hint = "set network_subnet in settings.json to a network that is free"
            raise NetworkError(f"this host already has a route to {other}, a part of {subnet}", f"network {NAME}", hint)


def _set_sysctls():
    _sysctl("ipv4/ip_forward", "1")
    _sysctl(f"ipv4/conf/{NAME}/route_localnet", "1")  # 127.0.0.1:8080 of the host leads to a container
    try:
        _sysctl(f"ipv6/conf/{NAME}/disable_ipv6", "1")  # no router advertisement of a container is believed
    except FileNotFoundError:
        pass  # a kernel without IPv6


def _sysctl(name, value):
    fd = posix.open(f"/proc/sys/net/{name}", posix.O_WRONLY | posix.O_CLOEXEC)
    try:
        posix.write(fd, value.encode())
    finally:
        posix.close(fd)


def _plug(bridge, name, pid, container_id, address):
    """The veth pair; one of the same name belonged to the address's last holder, whose namespace is being taken down."""
    pair = [links.veth(name, bridge.index, INSIDE, address, pid), links.hairpin(name, container_id)]
    with Netlink(ROUTE) as netlink:
        try:
            netlink.transact(pair)
        except FileExistsError:
            stale = links.find(name)
            if stale:
                _remove(netlink, stale[0])
            netlink.transact(pair)


def _remove(netlink, index):
    try:
        netlink.transact([links.remove(index)])
    except OSError as error:
        if error.errno != errno.ENODEV:  # it went with its namespace meanwhile
            raise


def _configure_inside(pid, subnet, address):
    """Address and routes of the container's end, through a socket that was opened in its network namespace."""
    netlink, index = _enter(pid)
    with netlink:
        netlink.transact(
            [
                links.up(links.LOOPBACK),
                links.up(index),
                links.address(index, address, subnet.prefix),
                links.default_route(index, subnet.gateway),
            ]
        )


def _enter(pid):
    """A netlink socket in the network namespace of `pid`, and the index of eth0 there; this thread comes back."""
    home = posix.open("/proc/thread-self/ns/net", posix.O_RDONLY | posix.O_CLOEXEC)
    away = posix.open(f"/proc/{pid}/ns/net", posix.O_RDONLY | posix.O_CLOEXEC)
    try:
        linux.setns(away, linux.CLONE_NEWNET)
        try:
            return Netlink(ROUTE), links.find(INSIDE)[0]
        finally:
            linux.setns(home, linux.CLONE_NEWNET)
    finally:
        posix.close(away)
        posix.close(home)
