"""Ask the monitor of a running container, from any other process of the same user."""

from ..errors import NotFound
from . import control


def status(record):
    """The container's state as its monitor has it."""
    return _ask(record, {"op": "status"})[0]


def signal(record, number):
    """Have the monitor send signal `number` to the container's first process."""
    _ask(record, {"op": "signal", "signal": number})


def stop(record, timeout=None):
    """Have the monitor stop the container as `wherry stop` does; returns at once."""
    _ask(record, {"op": "stop", "timeout": timeout})


def freeze(record):
    """Stop all of the container's processes where they are."""
    _ask(record, {"op": "freeze"})


def thaw(record):
    """Let frozen processes go on."""
    _ask(record, {"op": "thaw"})


def publish(record, ports):
    """Bind and publish `ports` (Port) for the container; Conflict, and nothing published, when one is taken."""
    _ask(record, {"op": "publish", "ports": [port.to_json() for port in ports]})


def withdraw(record):
    """Withdraw all published ports of the container and let go of them."""
    _ask(record, {"op": "withdraw"})


def take_ports(record):
    """Take the published ports over: ([port as JSON], [bound descriptors]); their monitor forgets them, rules stay."""
    answer, descriptors = _ask(record, {"op": "take_ports"})
    return answer["ports"], descriptors


def give_ports(record, ports, descriptors):
    """Hand published `ports` (JSON, as `take_ports` gave them) to the monitor, which withdraws them at the end."""
    _ask(record, {"op": "give_ports", "ports": ports}, descriptors)


def _ask(record, message, descriptors=()):
    try:
        return control.ask(record.run_dir, control.SOCKET, message, descriptors)
    except (FileNotFoundError, ConnectionRefusedError):
        raise NotFound(f"{record.name} has no monitor", hint="start it first: wherry start " + record.name) from None
