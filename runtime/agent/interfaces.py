"""Facts about network interfaces, addresses and routes; from /proc, /sys and ioctl(2)."""

import os

from .hardware import first_line, lines_of
from .sources import answers

SIOCGIFADDR, SIOCGIFNETMASK, SIOCGIFBRDADDR = 0x8915, 0x891B, 0x8919


@answers("interfaces", "all_ipv4_addresses", "all_ipv6_addresses")
def addresses():
    """interfaces, all_ipv4_addresses, all_ipv6_addresses: without the loopback's."""
    six = [address for address, _, scope, name in ipv6() if name != "lo" and scope != 0x10]
    return {
        "interfaces": sorted(os.listdir("/sys/class/net")) if os.path.isdir("/sys/class/net") else [],
        "all_ipv4_addresses": [address for address in local_ipv4() if not address.startswith("127.")],
        "all_ipv6_addresses": six,
    }


@answers("default_ipv4")
def default_ipv4():
    """default_ipv4: the interface of the default route, its address and gateway; empty without a route."""
    for line in lines_of("/proc/net/route")[1:]:
        name, target, gateway, flags, _, _, _, mask = line.split()[:8]
        if target == mask == "00000000" and int(flags, 16) & 1:
            return {"default_ipv4": {**interface(name), "gateway": dotted(gateway)}}
    return {"default_ipv4": {}}


@answers("default_ipv6")
def default_ipv6():
    """default_ipv6: the same for IPv6."""
    for line in lines_of("/proc/net/ipv6_route"):
        target, length, _, _, gateway, _, _, _, flags, name = line.split()
        if target == "0" * 32 and length == "00" and name != "lo" and int(flags, 16) & 1:
            own = next(((a, p) for a, p, scope, each in ipv6() if each == name and scope == 0), ("", ""))
            found = {"interface": name, "gateway": colons(gateway), "address": own[0], "prefix": str(own[1])}
            return {"default_ipv6": {**found, **link(name)}}
    return {"default_ipv6": {}}


def interface(name):
    """An interface's IPv4 side."""
    from ipaddress import ip_network

    found = {"interface": name, "alias": name, **link(name)}
    address, netmask, broadcast = (asked(name, number) for number in (SIOCGIFADDR, SIOCGIFNETMASK, SIOCGIFBRDADDR))
    if address and netmask:
        network = ip_network(f"{address}/{netmask}", strict=False)
        found.update(address=address, netmask=netmask, broadcast=broadcast or "", network=str(network.network_address))
        found.update(prefix=str(network.prefixlen))
    return found


def link(name):
    """An interface's hardware side."""
    folder = f"/sys/class/net/{name}"
    kind = {"1": "ether", "772": "loopback"}.get(first_line(f"{folder}/type"), "unknown")
    return {"macaddress": first_line(f"{folder}/address"), "mtu": int(first_line(f"{folder}/mtu") or 0), "type": kind}


def asked(name, number):
    """An address of an interface by ioctl(2), None when it has none."""
    import fcntl
    import socket

    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as any_socket:
        try:
            answer = fcntl.ioctl(any_socket.fileno(), number, name.encode()[:15].ljust(256, b"\0"))
        except OSError:
            return None
    return socket.inet_ntoa(answer[20:24])


def local_ipv4():
    """Every address of this machine, from the kernel's routing trie."""
    found, address = [], ""
    for line in lines_of("/proc/net/fib_trie"):
        if "|--" in line:
            address = line.split()[-1]
        elif "32 host LOCAL" in line and address not in found:
            found.append(address)
    return found


def ipv6():
    """(address, prefix length, scope, interface) of each IPv6 address."""
    for line in lines_of("/proc/net/if_inet6"):
        address, _, length, scope, _, name = line.split()
        yield colons(address), int(length, 16), int(scope, 16), name


@answers("dns")
def resolver():
    """dns: /etc/resolv.conf."""
    found = {}
    for line in lines_of("/etc/resolv.conf"):
        key, *words = line.split() or [""]
        if key == "nameserver" and words:
            found.setdefault("nameservers", []).append(words[0])
        elif key in ("search", "domain") and words:
            found[key] = words if key == "search" else words[0]
    return {"dns": found}


def dotted(hexadecimal):
    """An IPv4 address as /proc/net/route writes it (host byte order)."""
    import socket
    import struct

    return socket.inet_ntoa(struct.pack("=I", int(hexadecimal, 16)))


def colons(hexadecimal):
    """An IPv6 address written as 32 digits."""
    from ipaddress import IPv6Address

    return str(IPv6Address(bytes.fromhex(hexadecimal)))
