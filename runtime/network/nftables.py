"""Published ports as elements of nf_tables maps: publishing, withdrawing and switching are one transaction each.

    ports    protocol . port            -> container address . port      answers at every address of the host
    bound    address . protocol . port  -> container address . port      answers at one
    retired  address                                                     answers with a reset
    senders  link . address                                              what a container may say it is

Adding never replaces: an element that leads elsewhere is a Conflict.  A packet sees the old elements or the new ones.
"""

import errno
from _struct import pack, unpack

from ..errors import Conflict, NetworkError
from . import ruleset
from .expressions import TCP, UDP
from .links import dotted, packed
from .netlink import ACK, CREATE, NETFILTER, Netlink, attribute, attributes, each_attribute, message
from .ports import EVERYWHERE, Port
from .ruleset import BRIDGE, IPV4, TABLE, nft

VERSION = "v1"  # of the rules; a chain of that name says that they are loaded
_NUMBERS = {"tcp": TCP, "udp": UDP}
_NAMES = {number: name for name, number in _NUMBERS.items()}
_KEY, _DATA, _COMMENT = 1, 2, 6  # NFTA_SET_ELEM_*
_UNSUPPORTED = (errno.EPROTONOSUPPORT, errno.EAFNOSUPPORT, errno.EOPNOTSUPP)
_TRIES = 5
_AT_ONCE = 400  # elements in a message: an attribute holds at most 64 KiB
_TABLE_GROUP = 7  # NFNLGRP_NFTABLES


def is_loaded():
    """Whether this version's rules are in the kernel: one question."""
    with Netlink(NETFILTER) as netlink:
        try:
            netlink.question(nft(ruleset.GET_CHAIN), ruleset.header(IPV4) + attribute(1, TABLE) + attribute(3, VERSION))
        except FileNotFoundError:
            return False
    return True


def ensure_table(bridge, subnet):
    """Load this version's rules for the link `bridge`; what is published stays published."""
    _transact([*ruleset.tables(bridge, subnet), ruleset.chain(IPV4, VERSION)])


def publish(pairs, owner=""):
    """Lead each port to its container: pairs of (Port, container address); Conflict if one leads elsewhere.

    owner: what `nft list map` and the Conflict of somebody else show, for example the container's id.
    """
    _change([], pairs, {address: owner for _, address in pairs})


def withdraw(pairs):
    """Lead these ports nowhere; one that is not published is left out."""
    _change(pairs, [], {})


def switch(old, new, owners=None):
    """Withdraw the pairs `old` and publish `new` in one transaction: all ports of a host move at the same moment.

    owners: {container address: owner}, as for `publish`.
    """
    _change(old, new, owners or {})


def published():
    """[(Port, container address)] of all that is published."""
    return [(port, address) for port, address, _ in _elements()]


def reject(address):
    """Answer whatever is sent to this container address with a TCP reset, established connections too."""
    _insist([_add(IPV4, "retired", [_element(packed(address))])])


def unreject(address):
    """Undo `reject`; nothing happens if it is not rejected."""
    try:
        _transact([_remove(IPV4, "retired", [_element(packed(address))])])
    except FileNotFoundError:
        pass  # it was not there


def allow_sender(link, address):
    """Let the container behind `link` speak as `address`."""
    _insist([_add(BRIDGE, "senders", [_element(link.encode().ljust(16, b"\0") + packed(address))])])


def watch():
    """A socket that becomes readable when somebody changes rules: then ask `is_loaded`."""
    netlink = Netlink(NETFILTER)
    netlink.join(_TABLE_GROUP)
    return netlink


def _change(old, new, owners):
    """Delete what of `old` is there, add `new`, in one transaction."""
    for _ in range(_TRIES):
        there = {(port, address) for port, address, _ in _elements()} if old else set()
        gone = [each for each in old if each in there and each not in new]
        messages = [*_each_map(gone, _remove), *_each_map(new, _add, owners)]
        try:
            if messages:
                _transact(messages)
            return
        except FileExistsError:
            raise _conflict(new, gone) from None
        except FileNotFoundError:
            pass  # somebody else withdrew one of `old` between our question and our transaction
    raise _gone()


def _each_map(pairs, change, owners=None):
    """Messages that `change` the elements of `pairs`; those that are added have data and an owner."""
    by_map = {"ports": [], "bound": []}
    for port, address in pairs:
        by_map["ports" if port.public else "bound"].append(_port_element(port, address, owners))
    for name, elements in by_map.items():
        for start in range(0, len(elements), _AT_ONCE):
            yield change(IPV4, name, elements[start : start + _AT_ONCE])


def _conflict(new, gone):
    """The error that names the port that leads elsewhere, and to whom."""
    wanted = {_port_key(port): (port, address) for port, address in new}
    for port, address, owner in _elements():
        ours = wanted.get(_port_key(port))
        if ours and (port, address) not in gone and (address, port.container_port) != (ours[1], ours[0].container_port):
            whose = f"container {owner} ({address})" if owner else f"the container at {address}"
            what = f"port {port.host_port}/{port.protocol} at {port.address} is published by {whose}"
            return Conflict(what, "published ports", "stop that container or choose another port")
    return Conflict("a port was published by somebody else at the same moment", "published ports", "try again")


def _insist(messages):
    try:
        _transact(messages)
    except FileNotFoundError:
        raise _gone() from None


def _gone():
    hint = "the next `wherry run` loads them again"
    return NetworkError("the rules are gone: somebody flushed them", f"tables named {TABLE}", hint)


def _transact(messages):
    """One transaction; what the kernel refuses because of what is there or not is for the caller."""
    try:
        with Netlink(NETFILTER) as netlink:
            netlink.transact(ruleset.batch(messages))
    except (FileExistsError, FileNotFoundError):
        raise
    except OSError as error:
        hint = "this kernel needs nf_tables, also for bridges" if error.errno in _UNSUPPORTED else ""
        raise NetworkError(f"nf_tables: {error.strerror}", f"tables named {TABLE}", hint) from error


def _elements():
    """(Port, container address, owner) of each element of both maps."""
    return [_read_element(name, each) for name in ("ports", "bound") for each in _dump(name)]


def _dump(name):
    body = ruleset.header(IPV4) + attribute(1, TABLE) + attribute(2, name)
    with Netlink(NETFILTER) as netlink:
        try:
            for answer in netlink.dump(nft(ruleset.GET_ELEMENT), body):
                for _, element in each_attribute(attributes(answer[4:]).get(3, b"")):
                    yield attributes(element)
        except FileNotFoundError:
            return  # no table: nothing is published


def _read_element(name, element):
    key, data = attributes(element[_KEY])[1], attributes(element[_DATA])[1]
    where = dotted(key[:4]) if name == "bound" else EVERYWHERE
    protocol, host_port = unpack(">BxxxHxx", key[-8:])
    address, container_port = unpack(">4sHxx", data)
    owner = element.get(_COMMENT, b"")[2:].rstrip(b"\0").decode(errors="replace")
    return Port(_NAMES.get(protocol, "tcp"), where, host_port, container_port), dotted(address), owner


def _port_key(port):
    """The key in `ports` or `bound`; each part of a concatenation is padded to four bytes."""
    key = pack(">BxxxHxx", _NUMBERS[port.protocol], port.host_port)
    return key if port.public else packed(port.address) + key


def _port_element(port, address, owners):
    if owners is None:
        return _element(_port_key(port))
    return _element(_port_key(port), pack(">4sHxx", packed(address), port.container_port), owners.get(address, ""))


def _element(key, data=None, comment=""):
    parts = [attribute(_KEY, [attribute(1, key)])]
    if data is not None:
        parts.append(attribute(_DATA, [attribute(1, data)]))
    if comment:
        text = comment.encode()[:250] + b"\0"
        parts.append(attribute(_COMMENT, bytes([0, len(text)]) + text))  # as nft writes `comment "..."`
    return attribute(1, parts)


def _add(family, name, elements):
    return message(nft(ruleset.NEW_ELEMENT), CREATE | ACK, _element_list(family, name, elements))


def _remove(family, name, elements):
    return message(nft(ruleset.DEL_ELEMENT), ACK, _element_list(family, name, elements))


def _element_list(family, name, elements):
    return ruleset.header(family) + attribute(1, TABLE) + attribute(2, name) + attribute(3, elements)
