"""One container's place in the network: its address, its veth, the host ports that lead to it."""

import _socket
import errno

from ..errors import Conflict, NetworkError, WherryError
from . import etc


class Endpoint:
    """The network of one container while its monitor lives; without a bridge there is nothing to do but /etc."""

    def __init__(self, record, network, address=None, gateway=None):
        self._record, self._network = record, network
        self.address, self.gateway = address, gateway
        self.ports, self._sockets = [], []

    def prepare(self, ports, hostname):
        """Bind the host ports (Conflict when one is in use), take an address, write /etc/hosts and its like."""
        for port in ports:
            self._sockets.append(bind(port))
        if self._network == "bridge":
            from ..network import addresses, bridge

            self._bridge = bridge.ensure(self._record.dirs)
            self.gateway = self._bridge.subnet.gateway
            self.address, again = addresses.take(self._record.dirs, self._record.id)
            if again:
                forget_flows(self.address)
        etc.write(self._record, hostname, self._network, self.address, self.gateway)

    def connect(self, pid):
        """Give the network namespace of `pid`, which waits, its interface."""
        if self.address:
            from ..network import bridge

            bridge.attach(self._bridge, pid, self._record.id, self.address)

    def publish(self, ports):
        """Lead the host's `ports`, which are bound, to the container: all or none."""
        if ports:
            from ..network import nftables

            nftables.publish([(port, self.address) for port in ports], self._record.name)
            self.ports = self.ports + ports

    def publish_more(self, ports):
        """Bind and publish `ports` while the container runs: all or none."""
        held = len(self._sockets)
        try:
            for port in ports:
                self._sockets.append(bind(port))
            self.publish(ports)
        except WherryError:
            for each in self._sockets[held:]:
                each.close()
            del self._sockets[held:]
            raise

    def announce(self):
        """Let the others of the network know the container by its name."""
        if self.address:
            etc.join(self._record, self.gateway)

    def withdraw(self):
        """Take all published ports back and let go of them."""
        if self.ports:
            from ..network import nftables

            nftables.withdraw([(port, self.address) for port in self.ports])
        self.forget()

    def forget(self):
        """Let go of the ports without touching the rules: another monitor has them now."""
        for each in self._sockets:
            each.close()
        self.ports, self._sockets = [], []

    def descriptors(self):
        """The descriptors that hold the published ports."""
        return [each.fileno() for each in self._sockets]

    def adopt(self, ports, descriptors):
        """Take over published `ports` and the descriptors that hold them."""
        self.ports = self.ports + ports
        self._sockets += [_socket.socket(fileno=fd) for fd in descriptors]

    def close(self):
        """Withdraw everything and give the address back, flows that lead to published ports included."""
        was_published = bool(self.ports)
        self.withdraw()
        if self.address:
            etc.leave(self._record, self.gateway)
            release(self._record.dirs, self._record.id, self.address, was_published)


def release(dirs, container_id, address, was_published=True):
    """Give the address of a container that is gone back; what led to its ports may be led to the next one's at once.

    Flows that it began itself are forgotten when somebody else takes the address, `prepare` sees to it. Its veth goes
    with its network namespace, a moment later; asking for it would wait for that moment.
    """
    from ..network import addresses

    if was_published:
        forget_flows(address)
    addresses.release(dirs, container_id)


def forget_flows(address):
    """End what the kernel remembers of whoever had the address."""
    if _any_flows():
        from ..network import conntrack

        conntrack.delete(address)


def _any_flows():
    """Whether the kernel knows of any connection at all: going through its table takes milliseconds even when empty."""
    try:
        with open("/proc/sys/net/netfilter/nf_conntrack_count", "rb") as file:
            return file.read().strip() != b"0"
    except FileNotFoundError:
        return True  # a kernel that does not say


def bind(port):
    """A socket that holds the host's `port` without listening; Conflict when somebody has it.

    Without SO_REUSEADDR, so that a port in use is found out, and the port stays ours as long as the socket lives.
    """
    kind = _socket.SOCK_DGRAM if port.protocol == "udp" else _socket.SOCK_STREAM
    holder = _socket.socket(_socket.AF_INET, kind | _socket.SOCK_CLOEXEC)
    try:
        holder.bind((port.address, port.host_port))
    except OSError as error:
        holder.close()
        raise _refusal(port, error) from None
    return holder


def _refusal(port, error):
    """The error that says why `port` cannot be bound, and who has it if that is a container."""
    place = f"port {port.host_port}/{port.protocol} at {port.address}"
    if error.errno == errno.EADDRNOTAVAIL:
        return Conflict("this host has no such address", place, "publish at an address of this host")
    if error.errno != errno.EADDRINUSE:
        return NetworkError(f"cannot be bound: {error.strerror}", place)
    from ..network import nftables

    key = port.protocol, port.host_port
    for other, address in nftables.published():
        if (other.protocol, other.host_port) == key:
            return Conflict(
                f"is published by the container at {address}", place, "see: wherry ps; or choose another port"
            )
    return Conflict("is in use by another program", place, f"`ss -lnp sport = :{port.host_port}` shows which")
