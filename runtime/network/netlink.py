"""Netlink: encode messages, send them in one datagram, wait for the kernel's answer (netlink(7)).

Only built-in modules are imported here and in the files that use it: a container's start passes through.
"""

import _socket
from _struct import pack, unpack_from
from posix import strerror

ROUTE, NETFILTER = 0, 12  # protocols of AF_NETLINK
REQUEST, ACK, DUMP, EXCL, CREATE = 1, 4, 0x300, 0x200, 0x400  # NLM_F_*
ERROR, DONE = 2, 3  # NLMSG_*
NESTED, KIND = 0x8000, 0x3FFF  # NLA_F_NESTED; the rest of an attribute's type
HEADER = 16
_AF_NETLINK, _SOL_NETLINK = 16, 270
_ADD_MEMBERSHIP = 1
_CAP_ACK, _EXT_ACK = 10, 11  # answers without the request in them, but with the kernel's own words
_ACK_MESSAGE = 1  # NLMSGERR_ATTR_MSG
_SO_SNDBUFFORCE, _SO_RCVBUFFORCE = 32, 33
_USUAL_BUFFER = 100_000


def attribute(kind, value):
    """One attribute: `value` is bytes, str (null-terminated), or a list of attributes to nest."""
    if isinstance(value, list):
        kind, value = kind | NESTED, b"".join(value)
    elif isinstance(value, str):
        value = value.encode() + b"\0"
    return pack("=HH", 4 + len(value), kind) + value + bytes(-len(value) % 4)


def attributes(data):
    """The attributes in `data` as {kind: bytes}; of a kind that occurs several times the last one."""
    return dict(each_attribute(data))


def each_attribute(data):
    """The attributes in `data` as (kind, bytes), in order."""
    offset = 0
    while offset + 4 <= len(data):
        length, kind = unpack_from("=HH", data, offset)
        if length < 4:
            return
        yield kind & KIND, data[offset + 4 : offset + length]
        offset += (length + 3) & ~3


def message(kind, flags, body):
    """A request without its length and sequence number, which `Netlink` fills in."""
    return kind, flags | REQUEST, body


class Netlink:
    """A netlink socket of the network namespace in which it was opened."""

    def __init__(self, protocol):
        self._socket = _socket.socket(_AF_NETLINK, _socket.SOCK_RAW | _socket.SOCK_CLOEXEC, protocol)
        self._socket.setsockopt(_SOL_NETLINK, _CAP_ACK, 1)
        self._socket.setsockopt(_SOL_NETLINK, _EXT_ACK, 1)

    def __enter__(self):
        return self

    def __exit__(self, *exception):
        self._socket.close()

    def transact(self, messages):
        """Send `messages` as one datagram and return when all are done; OSError for the first that the kernel refuses."""
        self._send(messages)
        expected = sum(1 for _, flags, _ in messages if flags & ACK)
        while expected:
            for kind, body in self._receive():
                if kind == ERROR:
                    _raise_refusal(body)
                    expected -= 1

    def question(self, kind, body):
        """The body of the one message that answers; OSError when there is no such thing."""
        self._send([message(kind, 0, body)])
        for answer, content in self._receive():
            if answer == ERROR:
                _raise_refusal(content)
            return content
        return b""

    def dump(self, kind, body):
        """The bodies of all messages that answer."""
        self._send([message(kind, DUMP, body)])
        while True:
            for answer, content in self._receive():
                if answer == ERROR:
                    _raise_refusal(content)
                if answer == DONE:
                    return
                yield content

    def join(self, group):
        """Be told of what happens in the multicast `group` (NETLINK_ADD_MEMBERSHIP)."""
        self._socket.bind((0, 0))
        self._socket.setsockopt(_SOL_NETLINK, _ADD_MEMBERSHIP, group)

    def fileno(self):
        """The descriptor, for poll(2)."""
        return self._socket.fileno()

    def is_told(self, seconds):
        """Whether something has happened in a joined group; waits up to `seconds` and reads what was told."""
        self._socket.settimeout(seconds)
        try:
            return bool(self._socket.recv(1 << 16))
        except (BlockingIOError, _socket.timeout):
            return False
        except OSError:
            return True  # ENOBUFS: so much that it did not fit

    def _send(self, messages):
        parts = []
        for sequence, (kind, flags, body) in enumerate(messages):
            parts.append(pack("=IHHII", HEADER + len(body), kind, flags, sequence, 0) + body)
        datagram = b"".join(parts)
        if len(datagram) > _USUAL_BUFFER:  # thousands of ports: a transaction cannot be cut in pieces
            self._socket.setsockopt(_socket.SOL_SOCKET, _SO_SNDBUFFORCE, 2 * len(datagram))
            self._socket.setsockopt(_socket.SOL_SOCKET, _SO_RCVBUFFORCE, 2 * len(datagram))
        self._socket.send(datagram)

    def _receive(self):
        """The messages of one datagram: (kind, body)."""
        data, offset = self._socket.recv(1 << 16), 0
        while offset + HEADER <= len(data):
            length, kind = unpack_from("=IH", data, offset)
            yield kind, data[offset + HEADER : offset + length]
            offset += (length + 3) & ~3


def _raise_refusal(body):
    """OSError if the NLMSG_ERROR `body` is no acknowledgement; its text is the kernel's own if it gave one."""
    code = -unpack_from("=i", body)[0]
    if code:
        words = attributes(body[4 + HEADER :]).get(_ACK_MESSAGE, b"").rstrip(b"\0").decode(errors="replace")
        raise OSError(code, words or strerror(code))
