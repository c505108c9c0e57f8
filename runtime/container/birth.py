"""How a monitor comes to own a container: a child of its own starts it and hands it over.

Starting touches megabytes of an interpreter's memory, and what a fork touches it no longer shares. So the monitor does
not do it: it waits. The child ends, the container becomes the monitor's child, because that is its subreaper, and the
descriptors lie in a socket until something happens: output, a question, the end. An idle container costs little so.
"""

import _signal
import _socket
import posix
import select

from .. import linux
from ..errors import WherryError
from ..network.ports import Port
from ..process.child import Process
from . import control, copying, plumbing
from . import record as records
from .endpoint import Endpoint
from .owner import Owner
from .start import start

IDLE, BUSY, FAILED = (
    0,
    1,
    2,
)  # how the child ends: nothing to do until something happens; at once; there is no container


def monitor(dirs, listener, tell):
    """A monitor's life, from waiting for the next request on; `tell` the keeper when it has come. Never returns.

    As long as nothing happens to the container it runs no more than these lines.
    """
    _signal.signal(_signal.SIGCHLD, _signal.SIG_DFL)
    linux.prctl(linux.PR_SET_CHILD_SUBREAPER, 1)
    shared = Shared()
    try:
        channel, _ = listener._accept()
    except OSError:
        posix._exit(0)  # the keeper has left, and nobody has asked
    try:
        posix.write(tell, b"1")
    except BrokenPipeError:
        pass  # the keeper has left in this very moment: nobody needs another monitor
    posix.close(tell)
    posix.close(listener.fileno())
    me = posix.getpid()  # the child would see another parent if we were killed
    child = posix.fork()
    if child == 0:
        _start(dirs, channel, shared, me)
    for fd in (channel, *shared.childs_ends):
        posix.close(fd)
    outcome = posix.waitpid(child, 0)[1] >> 8
    if outcome == IDLE:
        shared.events.poll()
    try:
        if outcome in (IDLE, BUSY):
            _tend(*shared.take(dirs))
    finally:
        posix._exit(0)


def _tend(owner, stop, health):
    owner.tend(stop, health)
    if owner.record.ephemeral:
        from .container import Containers

        Containers(owner.record.dirs).erase(owner.record)


def _start(dirs, fd, shared, monitors_pid):
    """The child's life; never returns."""
    channel, code = _socket.socket(fileno=fd), FAILED
    try:
        message = control.receive(channel)[0] if control.is_ours(channel) else None
        if message is None:
            posix._exit(FAILED)
        record = records.load(dirs, message["id"])
        owner = start(record, shared.plumbing(record), monitor=monitors_pid)
        shared.give(owner)
        code = BUSY if record.request.get("tty") or record.spec["wherry"]["health"] else IDLE
        control.send(channel, {"pid": owner.process.pid})
    except WherryError as error:
        _tell(channel, error)
    except Exception as error:  # noqa: BLE001 - the outermost loop of this process
        _tell(channel, WherryError(f"the monitor failed: {type(error).__name__}: {error}"))
    finally:
        posix._exit(code)


def _tell(channel, error):
    try:
        control.send(channel, {"error": error.to_json()})
    except OSError:
        pass  # whoever asked has gone away


class Shared:
    """What a monitor and its child have in common: the pipes of the output, the control socket, a channel.

    `events` wakes the monitor: there is output, or the end of it, which all of the container's processes have come to
    then; or a question.
    """

    def __init__(self):
        self._stdout, self._stderr = posix.pipe2(posix.O_CLOEXEC), posix.pipe2(posix.O_CLOEXEC)
        self._listener = control.unbound()
        self._monitors, self._childs = _socket.socketpair(_socket.AF_UNIX, control.STREAM)
        self.childs_ends = (self._stdout[1], self._stderr[1], self._childs.fileno())
        self.events = select.poll()
        for fd in (self._stdout[0], self._stderr[0], self._listener.fileno()):
            self.events.register(fd, select.POLLIN)

    def plumbing(self, record):
        """In the child: the plumbing that the container is started with."""
        if record.request.get("tty"):
            return copying.Terminal(None, {}, None)
        pipes = {"stdout": self._stdout, "stderr": self._stderr}
        return copying.Piped(None, pipes=pipes, keep_stdin=record.request.get("interactive", False))

    def give(self, owner):
        """In the child: hand the container over."""
        record, endpoint, spec = owner.record, owner.endpoint, owner.record.spec["wherry"]
        control.listen(record.run_dir, control.SOCKET, self._listener)
        streams, sink = owner.plumbing.descriptors()
        message = {
            "fields": {**record.fields, "request": {"rm": record.ephemeral, "name": record.request.get("name")}},
            "now": record.now,
            "network": spec["network"]["mode"],
            "gateway": endpoint.gateway,
            "stop": spec["stop"],
            "health": spec["health"],
            "streams": list(streams),
            "sink": sink is not None,
        }
        passed = [
            owner.process.pidfd,
            *streams.values(),
            *([sink] if sink is not None else []),
            *endpoint.descriptors(),
        ]
        control.send(self._childs, message, passed)

    def take(self, dirs):
        """In the monitor: (Owner, stop, health) of the container."""
        message, descriptors = control.receive(self._monitors)
        self._monitors.close()
        record = records.Record(dirs, message["fields"], message["now"])
        pidfd = descriptors.pop(0)
        streams = {name: descriptors.pop(0) for name in message["streams"]}
        sink = descriptors.pop(0) if message["sink"] else None
        endpoint = Endpoint(record, message["network"], record.address, message["gateway"])
        endpoint.adopt([Port.from_json(each) for each in record.ports], descriptors)
        pipes = copying.Adopted(plumbing.open_log(record), streams, sink)
        owner = Owner(record, pipes, endpoint, Process(record.pid, pidfd), self._listener)
        return owner, message["stop"], message["health"]
