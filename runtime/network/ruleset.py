"""wherry's own tables, as the messages that make them: `nft list table ip wherry` shows the same in words.

ip wherry       ports and bound lead published ports to containers; retired holds addresses that answer with a reset
bridge wherry   each container speaks with its own address only (senders), in ARP and IPv4, and nothing else passes
"""

from _struct import pack

from . import expressions as x
from .links import packed
from .netlink import ACK, CREATE, attribute, message

IPV4, BRIDGE = 2, 7  # NFPROTO_*
TABLE = "wherry"
PORT_LINKS = "wv*"  # names of the host's ends of containers' veth pairs
SUBSYSTEM, BATCH_BEGIN, BATCH_END = 10, 0x10, 0x11
NEW_TABLE, NEW_CHAIN, GET_CHAIN, NEW_RULE, DEL_RULE, NEW_SET = 0, 3, 4, 6, 8, 9  # NFT_MSG_*
NEW_ELEMENT, GET_ELEMENT, DEL_ELEMENT = 12, 13, 14
_PREROUTING, _FORWARD, _OUTPUT, _POSTROUTING = 0, 2, 3, 4  # NF_INET_* hooks
_RAW, _DNAT, _FILTER, _SNAT, _BRIDGE_DNAT = -300, -100, 0, 100, -300
_ADDRESS_TYPE, _PROTOCOL_TYPE, _PORT_TYPE, _LINK_TYPE = 7, 12, 13, 41  # nft's own numbers: for `nft list` only
_MAP = 8
_LOOPBACK = packed("127.0.0.0")
_IP_CHAINS = {  # name: type, hook, priority
    "publish": None,
    "prerouting": ("nat", _PREROUTING, _DNAT),
    "output": ("nat", _OUTPUT, _DNAT),
    "postrouting": ("nat", _POSTROUTING, _SNAT),
    "martians": ("filter", _PREROUTING, _RAW),
    "forward": ("filter", _FORWARD, _FILTER),
    "leave": ("filter", _OUTPUT, _FILTER),
}
_TYPE_BITS = 6


def nft(kind):
    """The number of an nf_tables message."""
    return SUBSYSTEM << 8 | kind


def header(family, resource=0):
    """An nfgenmsg: its resource id is big-endian."""
    return pack(">BBH", family, 0, resource)


def batch(messages):
    """One transaction: the kernel does all of these or none."""
    edge = header(0, SUBSYSTEM)
    return [message(BATCH_BEGIN, 0, edge), *messages, message(BATCH_END, 0, edge)]


def tables(bridge, subnet):
    """Both tables for the network `subnet` on the link `bridge`; elements that are in the maps stay."""
    return [*_ip_table(bridge, packed(subnet.at(0)), subnet.prefix), *bridge_table()]


def _ip_table(bridge, network, prefix):
    bound = [_ADDRESS_TYPE, _PROTOCOL_TYPE, _PORT_TYPE]
    return [
        _table(IPV4),
        _map(IPV4, 1, "ports", bound[1:], [_ADDRESS_TYPE, _PORT_TYPE]),
        _map(IPV4, 2, "bound", bound, [_ADDRESS_TYPE, _PORT_TYPE]),
        _set(IPV4, 3, "retired", [_ADDRESS_TYPE]),
        *_chains(IPV4, _IP_CHAINS),
        *(_rule(IPV4, *each) for each in (*_publishing(), *_leaving(bridge, network, prefix), *_guarding(bridge))),
    ]


def _publishing():
    # bound before ports: a port may be published at one address for one container and everywhere for another
    yield (
        "publish",
        x.load_destination(x.W0) + _load_port(x.W1, x.W2) + x.lookup("bound", x.R1, x.R1) + x.dnat(x.W0, x.W1),
    )
    yield "publish", _load_port(x.W0, x.W1) + x.lookup("ports", x.R1, x.R1) + x.dnat(x.W0, x.W1)
    yield "prerouting", x.for_this_host() + x.jump("publish")
    yield "output", x.for_this_host() + x.jump("publish")


def _leaving(bridge, network, prefix):
    inside, published = x.source_in(network, prefix), x.to_link(bridge) + x.was_published()
    yield "postrouting", inside + x.not_to_link(bridge) + x.masquerade()
    # hairpin, and 127.0.0.1 of the host: the container must answer to the host, which knows where to
    yield "postrouting", inside + published + x.masquerade()
    yield "postrouting", x.source_in(_LOOPBACK, 8) + published + x.masquerade()


def _guarding(bridge):
    # route_localnet lets 127/8 pass by the bridge: nobody but this host itself may use it
    yield "martians", x.not_from_link("lo") + x.destination_in(_LOOPBACK, 8) + x.drop()
    yield "martians", x.not_from_link("lo") + x.source_in(_LOOPBACK, 8) + x.drop()
    yield from _retire("leave")
    yield from _retire("forward")
    yield "forward", x.from_link(bridge) + x.accept()
    yield "forward", x.to_link(bridge) + x.is_answer_or_known() + x.accept()
    yield "forward", x.to_link(bridge) + x.was_published() + x.accept()
    yield "forward", x.to_link(bridge) + x.drop()


def _retire(chain):
    """An address in `retired` answers TCP with a reset and anything else not at all."""
    yield chain, x.protocol(x.TCP) + x.load_destination(x.R1) + x.lookup("retired", x.R1) + x.reject_with_reset()
    yield chain, x.load_destination(x.R1) + x.lookup("retired", x.R1) + x.drop()


def bridge_table():
    """The source guard of the bridge's ports."""
    mine = x.load_incoming_link()
    rules = [
        ("guard", x.ether_type(x.ARP) + mine + x.load_arp_sender(x.W4) + x.lookup("senders", x.R1) + x.accept()),
        ("guard", x.ether_type(x.IPV4) + mine + x.load_source(x.W4) + x.lookup("senders", x.R1) + x.accept()),
        ("guard", x.from_link(PORT_LINKS) + x.drop()),
    ]
    return [
        _table(BRIDGE),
        _set(BRIDGE, 4, "senders", [_LINK_TYPE, _ADDRESS_TYPE]),
        *_chains(BRIDGE, {"guard": ("filter", _PREROUTING, _BRIDGE_DNAT)}),
        *(_rule(BRIDGE, *each) for each in rules),
    ]


def chain(family, name, hook=None):
    """A chain, empty if it was there; hook: (type, hook number, priority) of a base chain."""
    body = header(family) + attribute(1, TABLE) + attribute(3, name)
    if hook:
        kind, place, priority = hook
        body += (
            attribute(4, [x.number(1, place), attribute(2, pack(">i", priority))]) + x.number(5, 1) + attribute(7, kind)
        )
    return message(nft(NEW_CHAIN), CREATE | ACK, body)


def _chains(family, chains):
    for name, hook in chains.items():
        yield chain(family, name, hook)
        yield message(nft(DEL_RULE), ACK, header(family) + attribute(1, TABLE) + attribute(2, name))


def _table(family):
    return message(nft(NEW_TABLE), CREATE | ACK, header(family) + attribute(1, TABLE))


def _rule(family, chain_name, expressions):
    body = header(family) + attribute(1, TABLE) + attribute(2, chain_name) + attribute(4, [expressions])
    return message(nft(NEW_RULE), CREATE | ACK | 0x800, body)  # NLM_F_APPEND


def _set(family, number, name, types, more=b"", flags=0):
    size = 4 * len(types) + (12 if _LINK_TYPE in types else 0)
    parts = [attribute(1, TABLE), attribute(2, name), x.number(3, flags), x.number(4, _type(types)), x.number(5, size)]
    body = header(family) + b"".join(parts) + more + x.number(10, number)
    return message(nft(NEW_SET), CREATE | ACK, body)


def _map(family, number, name, types, data_types):
    data = x.number(6, _type(data_types)) + x.number(7, 4 * len(data_types))
    return _set(family, number, name, types, data, _MAP)


def _type(types):
    """nft's number of a concatenation: each part's, six bits a part."""
    found = 0
    for each in types:
        found = found << _TYPE_BITS | each
    return found


def _load_port(protocol_register, port_register):
    return x.load_protocol(protocol_register) + x.load_destination_port(port_register)
