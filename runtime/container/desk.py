"""What a monitor does when it is asked, on the control socket of its container (the callers are in `monitor`)."""

from ..errors import Conflict, ProtocolError, WherryError
from . import control


class Desk:
    """The control socket of `owner`'s container; answers one request at a time, between other events."""

    def __init__(self, owner, listener=None):
        self._owner = owner
        self._listener = listener or control.listen(owner.record.run_dir, control.SOCKET)
        owner.loop.watch(self._listener.fileno(), self._answer)

    def close(self):
        """Answer nobody any more."""
        self._listener.close()

    def _answer(self):
        channel = control.accept(self._listener)
        if channel is None:
            return
        try:
            self._serve(channel)
        except OSError:
            pass  # whoever asked has gone away
        finally:
            channel.close()

    def _serve(self, channel):
        try:
            message, passed = control.receive(channel)
            operation = OPERATIONS.get(message.get("op")) if message else None
            if operation is None:
                raise ProtocolError("a monitor knows: " + ", ".join(OPERATIONS))
            answer, descriptors = operation(self._owner, message, passed)
        except WherryError as error:
            answer, descriptors = {"error": error.to_json()}, []
        control.send(channel, answer, descriptors)
        if descriptors:
            self._owner.endpoint.forget()  # only now: the copies are on their way
            self._owner.show_ports()


def status(owner, message, passed):
    """How the container is now."""
    return owner.record.now, []


def signal(owner, message, passed):
    """Send a signal to the container's first process."""
    owner.signal(int(message["signal"]))
    return {}, []


def stop(owner, message, passed):
    """Begin to stop the container."""
    owner.stop(message.get("timeout"))
    return {}, []


def freeze(owner, message, passed):
    """Freeze all processes of the container."""
    owner.freeze()
    return {}, []


def thaw(owner, message, passed):
    """Let them go on."""
    owner.thaw()
    return {}, []


def publish(owner, message, passed):
    """Bind and publish more ports."""
    if not owner.endpoint.address:
        raise Conflict("has no address of its own to publish", owner.record.name, "ports need the network bridge")
    owner.endpoint.publish_more(_ports(message))
    owner.show_ports()
    return {}, []


def withdraw(owner, message, passed):
    """Withdraw all ports."""
    owner.endpoint.withdraw()
    owner.show_ports()
    return {}, []


def take_ports(owner, message, passed):
    """Hand the published ports over to whoever asks."""
    return {"ports": owner.record.ports}, owner.endpoint.descriptors()


def give_ports(owner, message, passed):
    """Take over ports that another monitor had published."""
    owner.endpoint.adopt(_ports(message), passed)
    owner.show_ports()
    return {}, []


def _ports(message):
    from ..network.ports import Port

    return [Port.from_json(each) for each in message["ports"]]


OPERATIONS = {
    "status": status,
    "signal": signal,
    "stop": stop,
    "freeze": freeze,
    "thaw": thaw,
    "publish": publish,
    "withdraw": withdraw,
    "take_ports": take_ports,
    "give_ports": give_ports,
}
