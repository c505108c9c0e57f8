"""Addresses of containers: leased on disk, one holder each."""

from .. import state
from ..errors import NetworkError
from .links import dotted, packed

SUBNET = "10.88.0.0/16"


class Subnet:
    """An IPv4 network, from "10.88.0.0/16" (ValueError otherwise); its first address is the bridge's own."""

    def __init__(self, text):
        network, _, prefix = text.partition("/")
        self.prefix = int(prefix)
        if not 8 <= self.prefix <= 29 or network.count(".") != 3:
            raise ValueError(text)
        self.size = 1 << (32 - self.prefix)
        self.first = int.from_bytes(packed(network), "big") & ~(self.size - 1)

    def __str__(self):
        return f"{self.at(0)}/{self.prefix}"

    @property
    def gateway(self):
        """The bridge's own address."""
        return self.at(1)

    def at(self, number):
        """The address with this number, counted from the network's own."""
        return dotted((self.first + number).to_bytes(4, "big"))

    def overlaps(self, first, prefix):
        """Whether the network (as int, prefix length) has an address in common with this one."""
        shift = 32 - min(prefix, self.prefix)
        return first >> shift == self.first >> shift


def subnet(dirs):
    """The network of this host's containers: the setting `network_subnet`."""
    text = dirs.setting("network_subnet", SUBNET)
    try:
        return Subnet(str(text))
    except ValueError:
        where = f"{dirs.root}/settings.json"
        raise NetworkError(f"network_subnet is {text!r}", where, "write it as 10.88.0.0/16") from None


def lease(dirs, container_id):
    """The address of `container_id`: the one it holds, or one that nobody holds and that was let go the longest ago."""
    return take(dirs, container_id)[0]


def take(dirs, container_id):
    """As `lease`: (address, whether another container may have had it since the machine was started)."""
    within = subnet(dirs)
    with state.locked(f"{dirs.locks}/addresses"):
        book = _book(dirs)
        for address, held_by in book["leases"].items():
            if held_by == container_id:
                return address, False
        address = _free(within, book)
        book["leases"][address] = container_id
        state.write(_path(dirs), book, durable=False)
    return address, book["again"]


def release(dirs, container_id):
    """Let the address of `container_id` go; nothing happens if it holds none."""
    with state.locked(f"{dirs.locks}/addresses"):
        book = _book(dirs)
        kept = {address: holder for address, holder in book["leases"].items() if holder != container_id}
        if len(kept) != len(book["leases"]):
            state.write(_path(dirs), {**book, "leases": kept}, durable=False)


def holder(dirs, address):
    """The id of the container that holds `address`, or None."""
    return _book(dirs)["leases"].get(address)


def _free(within, book):
    # Round robin: an address rests as long as possible, because peers remember it (conntrack, their own caches).
    usable = within.size - 3  # not the network's own, the bridge's, the broadcast address
    for step in range(usable):
        number = 2 + (book["next"] - 2 + step) % usable
        book["again"] = book["again"] or number < book["next"]
        if within.at(number) not in book["leases"]:
            book["next"] = number + 1
            return within.at(number)
    raise NetworkError(
        f"all {usable} addresses of {within} are taken", "network wherry0", "remove containers or widen network_subnet"
    )


def _book(dirs):
    return {"next": 2, "leases": {}, "again": False, **state.read(_path(dirs), missing={})}


def _path(dirs):
    return f"{dirs.networks}/addresses.json"
