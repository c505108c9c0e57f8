"""What `8080:80` means: published ports, from text to `Port`."""

from ..errors import UsageError

EVERYWHERE = "0.0.0.0"  # noqa: S104 - what `public:` asks for
PROTOCOLS = ("tcp", "udp")
_FORM = "write [public:|ADDRESS:]HOST_PORT:CONTAINER_PORT[/udp], for example 8080:80 or public:8000-8002:80-82"


class Port:
    """One port of the host that leads to one port of a container; `address` is where the host answers."""

    __slots__ = ("address", "container_port", "host_port", "protocol")

    def __init__(self, protocol, address, host_port, container_port):
        self.protocol, self.address = protocol, address
        self.host_port, self.container_port = host_port, container_port

    def __eq__(self, other):
        return isinstance(other, Port) and self._key() == other._key()

    def __hash__(self):
        return hash(self._key())

    def __repr__(self):
        return f"Port({self})"

    def __str__(self):
        return f"{self.address}:{self.host_port}->{self.container_port}/{self.protocol}"

    @property
    def public(self):
        """Whether every address of the host answers."""
        return self.address == EVERYWHERE

    def to_json(self):
        """The port as records and the wire carry it."""
        return {
            "protocol": self.protocol,
            "address": self.address,
            "host_port": self.host_port,
            "container_port": self.container_port,
        }

    @classmethod
    def from_json(cls, fields):
        """The port that `to_json` gave."""
        return cls(fields["protocol"], fields["address"], fields["host_port"], fields["container_port"])

    def _key(self):
        return self.protocol, self.address, self.host_port, self.container_port


def parse(text, publish_address="127.0.0.1"):
    """The ports that `text` publishes, one for each of a range; UsageError when it cannot be meant.

    "8080:80" answers at `publish_address`, "public:8080:80" everywhere, "192.0.2.1:8080:80/udp" at that address.
    """
    text = str(text)
    rest, slash, protocol = text.partition("/")
    protocol = protocol if slash else "tcp"
    if protocol not in PROTOCOLS:
        raise UsageError(f"unknown protocol {protocol!r}", f"port {text!r}", "it is tcp or udp")
    *before, host, container = rest.split(":") if ":" in rest else ("", "", "")
    if len(before) > 1 or not host:
        raise UsageError("is not a published port", f"port {text!r}", _FORM)
    address = _address(before[0] if before else publish_address, text)
    outside, inside = _range(host, text), _range(container, text)
    if len(outside) != len(inside):
        raise UsageError(f"{len(outside)} host ports for {len(inside)} container ports", f"port {text!r}", _FORM)
    return [Port(protocol, address, *pair) for pair in zip(outside, inside)]


def _address(text, where):
    if text == "public":
        return EVERYWHERE
    parts = text.split(".")
    if len(parts) != 4 or not all(each.isascii() and each.isdigit() and int(each) < 256 for each in parts):
        raise UsageError(f"{text!r} is not an IPv4 address", f"port {where!r}", _FORM)
    return ".".join(str(int(each)) for each in parts)


def _range(text, where):
    first, dash, last = text.partition("-")
    numbers = [_number(each, where) for each in ((first, last) if dash else (first, first))]
    if numbers[0] > numbers[1]:
        raise UsageError(f"the range {text} runs backwards", f"port {where!r}", _FORM)
    return range(numbers[0], numbers[1] + 1)


def _number(text, where):
    if not (text.isascii() and text.isdigit() and 0 < int(text) < 65536):
        raise UsageError(f"{text!r} is not a port number from 1 to 65535", f"port {where!r}", _FORM)
    return int(text)
