"""The kernel's list of connections (nf_conntrack): which of them end at a container."""

from _struct import pack

from ..errors import NetworkError
from .links import packed
from .netlink import ACK, NETFILTER, Netlink, attribute, attributes, message

_LIVING = (1, 2, 3)  # TCP_CONNTRACK_SYN_SENT, SYN_RECV, ESTABLISHED
_NUMBERS = {"tcp": 6, "udp": 17, None: None}
_GET, _DELETE = 1 << 8 | 1, 1 << 8 | 2  # subsystem ctnetlink, IPCTNL_MSG_CT_*
_HEADER = pack(">BBH", 2, 0, 0)  # nfgenmsg: IPv4
_ORIGINAL, _REPLY, _PROTOCOL_INFO, _FILTER = 1, 2, 4, 25  # CTA_*
_BY_SOURCE = 1  # CTA_FILTER_FLAG_*


def flows(address, protocol=None):
    """The entries that are answered from `address`, so lead to that container: [(original tuple as bytes, TCP state)]."""
    number = _NUMBERS[protocol]
    try:
        with Netlink(NETFILTER) as netlink:
            entries = [attributes(body[4:]) for body in netlink.dump(_GET, _HEADER + _only(address))]
    except OSError as error:
        hint = "this kernel needs nf_conntrack_netlink"
        raise NetworkError(f"the list of connections: {error.strerror}", address, hint) from error
    return [(entry[_ORIGINAL], _state(entry)) for entry in entries if _answered_by(entry, packed(address), number)]


def living(address):
    """How many TCP connections to `address` are open or being opened."""
    return sum(1 for _, state in flows(address, "tcp") if state in _LIVING)


def delete(address, protocol=None):
    """Delete those entries; return how many.  For UDP, or a container that is gone: a living TCP connection would break."""
    doomed = flows(address, protocol)
    with Netlink(NETFILTER) as netlink:
        for original, _ in doomed:
            try:
                netlink.transact([message(_DELETE, ACK, _HEADER + attribute(_ORIGINAL, [original]))])
            except FileNotFoundError:
                pass  # it ended meanwhile
    return len(doomed)


def _only(address):
    """Let the kernel filter (5.8; older ones send all): a busy host has 100,000 entries."""
    flags = [attribute(1, pack("=I", 0)), attribute(2, pack("=I", _BY_SOURCE))]
    return attribute(_REPLY, [attribute(1, [attribute(1, packed(address))])]) + attribute(_FILTER, flags)


def _answered_by(entry, address, number):
    reply = attributes(entry[_REPLY])
    return attributes(reply[1]).get(1) == address and number in (None, attributes(reply[2])[1][0])


def _state(entry):
    """The TCP state; 0 for other protocols."""
    tcp = attributes(entry.get(_PROTOCOL_INFO, b"")).get(1, b"")
    return attributes(tcp).get(1, b"\0")[0]
