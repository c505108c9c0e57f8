"""Links, addresses and routes as rtnetlink messages (rtnetlink(7)): what `ip link`, `ip address` and `ip route` send."""

from _struct import pack, unpack_from

from .netlink import ACK, CREATE, EXCL, ROUTE, Netlink, attribute, attributes, message

NEWLINK, DELLINK, GETLINK = 16, 17, 18  # RTM_*
NEWADDR, NEWROUTE, GETROUTE = 20, 24, 26
_IFNAME, _MASTER, _LINKINFO, _NET_NS_PID, _IFALIAS, _ADDRESS = 3, 10, 18, 19, 20, 1  # IFLA_*
_INFO_KIND, _INFO_DATA, _INFO_SLAVE_KIND, _INFO_SLAVE_DATA = 1, 2, 4, 5
_VETH_INFO_PEER, _BRPORT_MODE = 1, 4
_IFF_UP = 1
_AF_INET = 2
_RTA_DST, _RTA_OIF, _RTA_GATEWAY = 1, 4, 5
_MAIN_TABLE, _BOOT, _UNIVERSE, _UNICAST, _REPLACE = 254, 3, 0, 1, 0x100
LOOPBACK = 1  # the index of lo in every network namespace


def packed(address):
    """The four bytes of a dotted IPv4 address."""
    return bytes(map(int, address.split(".")))


def dotted(four_bytes):
    """The dotted text of an IPv4 address."""
    return ".".join(map(str, four_bytes))


def hardware_address(address):
    """The MAC address of whoever has this IPv4 address: a neighbour's cache stays right when the address is reused."""
    return b"\x02\x57" + packed(address)


def bridge(name, address):
    """`ip link add NAME type bridge`, down, with a hardware address that does not change with its ports."""
    kind = attribute(_LINKINFO, [attribute(_INFO_KIND, b"bridge")])
    body = _link() + attribute(_IFNAME, name) + attribute(_ADDRESS, hardware_address(address)) + kind
    return message(NEWLINK, ACK | CREATE | EXCL, body)


def veth(name, master, peer_name, peer_address, pid):
    """A veth pair: NAME, up, in bridge `master` (index); `peer_name`, down, in the network namespace of process `pid`."""
    peer = _link() + attribute(_IFNAME, peer_name) + attribute(_ADDRESS, hardware_address(peer_address))
    peer += attribute(_NET_NS_PID, pack("=I", pid))
    info = [attribute(_INFO_KIND, b"veth"), attribute(_INFO_DATA, [attribute(_VETH_INFO_PEER, peer)])]
    body = _link(up=True) + attribute(_IFNAME, name) + attribute(_MASTER, pack("=I", master))
    return message(NEWLINK, ACK | CREATE | EXCL, body + attribute(_LINKINFO, info))


def hairpin(name, alias):
    """Let the bridge send a frame back through the port it came from; `alias` is what `ip link` shows with it."""
    mode = attribute(_INFO_SLAVE_DATA, [attribute(_BRPORT_MODE, b"\1")])
    info = attribute(_LINKINFO, [attribute(_INFO_SLAVE_KIND, b"bridge"), mode])
    return message(NEWLINK, ACK, _link() + attribute(_IFNAME, name) + attribute(_IFALIAS, alias.encode()) + info)


def up(index):
    """`ip link set up`."""
    return message(NEWLINK, ACK, _link(index, up=True))


def address(index, text, prefix):
    """`ip address replace TEXT/PREFIX dev INDEX`."""
    local = packed(text)
    body = pack("=BBBBI", _AF_INET, prefix, 0, _UNIVERSE, index) + attribute(2, local) + attribute(1, local)
    return message(NEWADDR, ACK | CREATE | _REPLACE, body)


def default_route(index, gateway):
    """`ip route add default via GATEWAY dev INDEX`."""
    body = pack("=BBBBBBBBI", _AF_INET, 0, 0, 0, _MAIN_TABLE, _BOOT, _UNIVERSE, _UNICAST, 0)
    body += attribute(_RTA_GATEWAY, packed(gateway)) + attribute(_RTA_OIF, pack("=I", index))
    return message(NEWROUTE, ACK | CREATE, body)


def remove(index):
    """`ip link delete`; the other end of a veth pair goes with it."""
    return message(DELLINK, ACK, _link(index))


def find(name):
    """(index, whether it is up) of the link NAME in this network namespace, or None."""
    with Netlink(ROUTE) as netlink:
        try:
            body = netlink.question(GETLINK, _link() + attribute(_IFNAME, name))
        except OSError:
            return None
    index, flags = unpack_from("=iI", body, 4)
    return index, bool(flags & _IFF_UP)


def ports(master):
    """{alias: index} of the links in the bridge `master` (index) that have an alias."""
    found = {}
    with Netlink(ROUTE) as netlink:
        for body in netlink.dump(GETLINK, _link() + attribute(_MASTER, pack("=I", master))):
            shown = attributes(body[16:])
            if _IFALIAS in shown and shown.get(_MASTER) == pack("=I", master):
                found[shown[_IFALIAS].rstrip(b"\0").decode(errors="replace")] = unpack_from("=i", body, 4)[0]
    return found


def destinations():
    """[(network as int, prefix length)] of every IPv4 route that is not a default route."""
    found = []
    with Netlink(ROUTE) as netlink:
        for body in netlink.dump(GETROUTE, pack("=BBBBBBBBI", _AF_INET, *bytes(7), 0)):
            shown = attributes(body[12:])
            if _RTA_DST in shown and body[4] == _MAIN_TABLE:
                found.append((int.from_bytes(shown[_RTA_DST], "big"), body[1]))
    return found


def _link(index=0, up=False):
    """An ifinfomsg; `up` raises IFF_UP and says that nothing else is meant."""
    flags = _IFF_UP if up else 0
    return pack("=BBHiII", 0, 0, 0, index, flags, flags)
