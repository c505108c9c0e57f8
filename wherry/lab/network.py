"""The lab's network, by netlink through pyroute2: one bridge in a namespace of its own, one leg to each host.

    this machine (NET.1) --- veth --- br0 (NET.2) --- veth --- eth0 of web1 (NET.11)
                                         +----------- veth --- eth0 of web2 (NET.12)

No host and not the bridge's namespace has a default route: what is meant for a host cannot leave this machine.
"""

from __future__ import annotations

import errno
from typing import Any

from wherry.lab import namespaces

MACHINE, SWITCH, FIRST_HOST = 1, 2, 11  # last byte of the addresses
UPLINK, BRIDGE, HOST_DEVICE = "up0", "br0", "eth0"


def connect_machine(net: str, interface: str, switch_pid: int, owner: str) -> None:
    """Make the bridge in the switch's namespace and this machine's leg into it; `owner` is told to who finds it taken."""
    with _devices() as machine:
        peer = {"ifname": UPLINK, "net_ns_pid": switch_pid}
        machine.link("add", ifname=interface, kind="veth", peer=peer)
        machine.link("set", index=_index(machine, interface), ifalias=owner)
        _address(machine, interface, f"{net}.{MACHINE}")
    with namespaces.network_of(switch_pid), _devices() as switch:
        switch.link("add", ifname=BRIDGE, kind="bridge")
        _address(switch, BRIDGE, f"{net}.{SWITCH}")
        switch.link("set", index=_index(switch, "lo"), state="up")
        switch.link("set", index=_index(switch, UPLINK), master=_index(switch, BRIDGE), state="up")


def connect_host(switch_pid: int, host_pid: int, leg: str, address: str) -> None:
    """Give a host its eth0 and put the other end, `leg`, on the bridge."""
    with namespaces.network_of(switch_pid), _devices() as switch:
        peer = {"ifname": HOST_DEVICE, "net_ns_pid": host_pid}
        switch.link("add", ifname=leg, kind="veth", peer=peer)
        switch.link("set", index=_index(switch, leg), master=_index(switch, BRIDGE), state="up")
    with namespaces.network_of(host_pid), _devices() as host:
        host.link("set", index=_index(host, "lo"), state="up")
        _address(host, HOST_DEVICE, address)


def set_leg(switch_pid: int, leg: str, *, up: bool) -> None:
    """Pull or plug a host's cable: nothing reaches it, no packet is answered, nothing is refused."""
    with namespaces.network_of(switch_pid), _devices() as switch:
        switch.link("set", index=_index(switch, leg), state="up" if up else "down")


def delay(switch_pid: int, leg: str, host_pid: int, milliseconds: float) -> bool:
    """Make every round trip to a host longer, half of it each way; False when the kernel has no netem."""
    from pyroute2.netlink.exceptions import NetlinkError

    for pid, device in ((switch_pid, leg), (host_pid, HOST_DEVICE)):
        with namespaces.network_of(pid), _devices() as devices:
            try:
                devices.tc("add", "netem", _index(devices, device), "1:", delay=int(milliseconds * 500))
            except NetlinkError as error:
                if error.code in (errno.ENOENT, errno.EOPNOTSUPP):
                    return False
                raise
    return True


def owner_of(interface: str) -> str:
    """Whose lab this leg belongs to; empty when there is no such leg."""
    try:
        with open(f"/sys/class/net/{interface}/ifalias", encoding="utf-8") as file:
            return file.read().strip() or "another lab"
    except FileNotFoundError:
        return ""


def remove(interface: str) -> None:
    """Remove this machine's leg if it is still there; normally it goes with the switch's namespace."""
    with _devices() as machine:
        for index in machine.link_lookup(ifname=interface):
            machine.link("del", index=index)


def _devices() -> Any:
    from pyroute2 import IPRoute  # late: 300 ms

    return IPRoute()


def _index(devices: Any, name: str) -> int:
    return int(devices.link_lookup(ifname=name)[0])


def _address(devices: Any, name: str, address: str) -> None:
    devices.addr("add", index=_index(devices, name), address=address, prefixlen=24)
    devices.link("set", index=_index(devices, name), state="up")
