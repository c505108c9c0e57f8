"""nf_tables instructions, as bytes: each is one of the lines that `nft --debug=netlink list ruleset` shows.

A rule is these in a row.  Registers: R1 to R4 hold 16 bytes each; R1 is also W0 to W3 of 4 bytes, R2 is W4 to W7.
"""

from _struct import pack

from .netlink import attribute

R1, R2 = 1, 2  # NFT_REG_*
W0, W1, W2, W4 = 8, 9, 10, 12  # NFT_REG32_*
TCP, UDP = 6, 17
ARP, IPV4 = 0x0806, 0x0800
DNAT_DONE, ESTABLISHED_OR_RELATED = 0x20, 0x6  # IPS_DST_NAT; NF_CT_STATE_BIT of both
_LINK_HEADER, _NETWORK_HEADER, _TRANSPORT_HEADER = 0, 1, 2
_IIFNAME, _OIFNAME, _L4PROTO = 6, 7, 16  # NFT_META_*
_CT_STATE, _CT_STATUS = 0, 2
_EQUAL, _DIFFERENT = 0, 1
_IPV4_FAMILY = 2
_NAME_SIZE = 16


def expression(name, *attributes):
    """One instruction of a rule: NFTA_LIST_ELEM { NFTA_EXPR_NAME, NFTA_EXPR_DATA }."""
    return attribute(1, [attribute(1, name), attribute(2, list(attributes))])


def number(kind, value):
    """An attribute that nf_tables wants as a big-endian 32-bit number."""
    return attribute(kind, pack(">I", value))


def accept():
    """Let the packet pass this chain."""
    return _verdict(number(1, 1))


def drop():
    """Drop the packet."""
    return _verdict(number(1, 0))


def jump(chain):
    """Go on in `chain`."""
    return _verdict(attribute(1, pack(">i", -3)) + attribute(2, chain))


def reject_with_reset():
    """Answer with a TCP reset."""
    return expression("reject", number(1, 1), attribute(2, b"\0"))


def masquerade():
    """Let the packet come from the address of the interface by which it leaves."""
    return expression("masq")


def dnat(address_register, port_register):
    """Send the connection to the address and port in these registers."""
    return expression(
        "nat", number(1, 1), number(2, _IPV4_FAMILY), number(3, address_register), number(5, port_register)
    )


def lookup(name, source, target=None):
    """Go on if what `source` holds is in the set `name`; of a map, put its value into `target`."""
    parts = [attribute(1, name), number(2, source)]
    return expression("lookup", *parts, *([number(3, target)] if target else []))


def for_this_host():
    """Go on if the packet's destination is an address of this host: `fib daddr type local`."""
    return expression("fib", number(1, R1), number(2, 3), number(3, 2)) + _compare(_EQUAL, pack("=I", 2))


def from_link(name, register=R1):
    """Go on if the packet came in by this link; a name that ends in * stands for all that begin so."""
    return _load_meta(_IIFNAME, register) + _compare(_EQUAL, _link_name(name))


def not_from_link(name):
    """Go on if the packet came in by another link."""
    return _load_meta(_IIFNAME, R1) + _compare(_DIFFERENT, _link_name(name))


def to_link(name):
    """Go on if the packet leaves by this link."""
    return _load_meta(_OIFNAME, R1) + _compare(_EQUAL, _link_name(name))


def not_to_link(name):
    """Go on if the packet leaves by another link."""
    return _load_meta(_OIFNAME, R1) + _compare(_DIFFERENT, _link_name(name))


def load_incoming_link():
    """Put the name of the link by which the packet came into R1."""
    return _load_meta(_IIFNAME, R1)


def protocol(wanted):
    """Go on if the packet is of this transport protocol."""
    return _load_meta(_L4PROTO, R1) + _compare(_EQUAL, bytes([wanted]))


def load_protocol(register):
    """Put the transport protocol into `register`."""
    return _load_meta(_L4PROTO, register)


def load_destination_port(register):
    """Put the destination port into `register`."""
    return _load_payload(register, _TRANSPORT_HEADER, 2, 2)


def load_source(register):
    """Put the IPv4 source address into `register`."""
    return _load_payload(register, _NETWORK_HEADER, 12, 4)


def load_destination(register):
    """Put the IPv4 destination address into `register`."""
    return _load_payload(register, _NETWORK_HEADER, 16, 4)


def load_arp_sender(register):
    """Put the IPv4 address that an ARP packet says it comes from into `register`."""
    return _load_payload(register, _NETWORK_HEADER, 14, 4)


def ether_type(wanted):
    """Go on if the frame is of this type."""
    return _load_payload(R1, _LINK_HEADER, 12, 2) + _compare(_EQUAL, pack(">H", wanted))


def source_in(network, prefix):
    """Go on if the IPv4 source address is in NETWORK/PREFIX (network: four bytes)."""
    return load_source(R1) + _mask_prefix(prefix) + _compare(_EQUAL, network)


def destination_in(network, prefix):
    """Go on if the IPv4 destination address is in NETWORK/PREFIX (network: four bytes)."""
    return load_destination(R1) + _mask_prefix(prefix) + _compare(_EQUAL, network)


def was_published():
    """Go on if the connection's destination was translated: `ct status dnat`."""
    return _ct_flags(_CT_STATUS, DNAT_DONE)


def is_answer_or_known():
    """Go on if the packet belongs to a known connection: `ct state established,related`."""
    return _ct_flags(_CT_STATE, ESTABLISHED_OR_RELATED)


def _verdict(content):
    return expression("immediate", number(1, 0), attribute(2, [attribute(2, [content])]))


def _load_meta(key, register):
    return expression("meta", number(1, register), number(2, key))


def _load_payload(register, header, offset, length):
    return expression("payload", number(1, register), number(2, header), number(3, offset), number(4, length))


def _compare(how, value):
    return expression("cmp", number(1, R1), number(2, how), attribute(3, [attribute(1, value)]))


def _mask(mask):
    zero = bytes(len(mask))
    parts = [number(1, R1), number(2, R1), number(3, len(mask)), attribute(4, [attribute(1, mask)])]
    return expression("bitwise", *parts, attribute(5, [attribute(1, zero)]))


def _mask_prefix(prefix):
    return _mask(((0xFFFFFFFF << (32 - prefix)) & 0xFFFFFFFF).to_bytes(4, "big"))


def _ct_flags(key, flags):
    load = expression("ct", number(1, R1), number(2, key))
    return load + _mask(pack("=I", flags)) + _compare(_DIFFERENT, bytes(4))


def _link_name(name):
    if name.endswith("*"):
        return name[:-1].encode()
    return name.encode().ljust(_NAME_SIZE, b"\0")
