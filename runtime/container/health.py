"""Is the container well: probes by command, HTTP or TCP, and the judgement that follows from several of them."""

import posix
import select
import time

from .. import linux
from ..errors import WherryError

DEFAULTS = {"interval": 30, "timeout": 30, "retries": 3, "start_period": 0}
KEPT = 5  # results that `inspect` shows
OUTPUT = 4096  # bytes of a probe's output that are kept
LOOK = 1.0  # seconds between looks whether the container still lives; nobody on a bridge needs as long to accept


class Watch:
    """Probes a container from its monitor's loop, each time in a forked child, and keeps the judgement in its state."""

    def __init__(self, record, health, loop):
        self._record, self._loop = record, loop
        self._health = {**DEFAULTS, **health}
        self._began = time.monotonic()
        self._child = None
        self._state = {"status": "starting", "failures": 0, "results": []}
        self._record.update(health=self._state)
        self._loop.after(min(self._health["interval"], 1), self._begin)

    def end(self):
        """End a probe that is under way."""
        if self._child:
            self._finish(kill=True)

    def _begin(self):
        reader, writer = posix.pipe2(posix.O_CLOEXEC)
        pid = posix.fork()
        if pid == 0:
            _report(self._record, self._health, writer)
        posix.close(writer)
        self._child = (pid, reader)
        self._loop.watch(reader, self._collect)

    def _collect(self):
        text = posix.read(self._child[1], OUTPUT + 1)
        self._finish()
        self._judge(text[:1] == b"+", text[1:].decode("utf-8", "replace"))
        self._record.update(health=self._state)
        self._loop.after(self._health["interval"], self._begin)

    def _finish(self, kill=False):
        pid, reader = self._child
        if kill:
            posix.kill(pid, 9)
        posix.waitpid(pid, 0)
        self._loop.forget(reader)
        posix.close(reader)
        self._child = None

    def _judge(self, passed, text):
        state = self._state
        starting = state["status"] == "starting" and time.monotonic() < self._began + self._health["start_period"]
        state["failures"] = 0 if passed else state["failures"] + (not starting)
        if passed:
            state["status"] = "healthy"
        elif state["failures"] >= self._health["retries"]:
            state["status"] = "unhealthy"
        state["results"] = [*state["results"], {"time": time.time(), "passed": passed, "text": text}][-KEPT:]


def probe(record, health):
    """Probe once: (whether it is well, what was found in words); never longer than the timeout."""
    health = {**DEFAULTS, **health}
    try:
        if "http" in health:
            return _http(record, health["http"], health["timeout"])
        if "tcp" in health:
            return _tcp(_address(record), int(health["tcp"]), health["timeout"])
        return _command(record, health["command"], health["timeout"])
    except (WherryError, OSError) as error:
        return False, str(error)


def _report(record, health, writer):
    """In the forked child: one byte, + or -, and the text."""
    try:
        passed, text = probe(record, health)
        posix.write(writer, (b"+" if passed else b"-") + text.encode("utf-8", "replace")[:OUTPUT])
    finally:
        posix._exit(0)


def _address(record):
    mode = record.spec["wherry"]["network"]["mode"]
    if mode == "none":
        raise WherryError("cannot be reached without a network", record.name, "probe it by a command")
    return record.address if mode == "bridge" else "127.0.0.1"


def _tcp(address, port, timeout):
    _connection(address, port, timeout).close()
    return True, f"{address}:{port} accepts connections"


def _http(record, target, timeout):
    """`target` is ":8080/path", "8080/path" or "http://anything:8080/path"; well is a status from 200 to 399."""
    address, (port, path) = _address(record), http_target(target)
    deadline = time.monotonic() + timeout
    channel = _connection(address, port, timeout)
    try:
        channel.sendall(f"GET {path} HTTP/1.1\r\nHost: {address}:{port}\r\nConnection: close\r\n\r\n".encode())
        answer = b""
        while b"\r\n" not in answer and len(answer) < OUTPUT:
            part = _received(channel, deadline, record)
            if not part:
                break
            answer += part
    finally:
        channel.close()
    line = answer.partition(b"\r\n")[0].decode("latin-1")
    status = line.split(" ")[1] if line.startswith("HTTP/") and " " in line else ""
    return status[:1] in ("2", "3"), f"GET {path} on {address}:{port}: {line or 'no answer'}"


def _received(channel, deadline, record):
    """Some bytes; a container that has ended does not say so, because its network is gone with it."""
    import _socket

    while True:
        channel.settimeout(max(0.001, min(LOOK, deadline - time.monotonic())))
        try:
            return channel.recv(OUTPUT)
        except _socket.timeout:
            if time.monotonic() >= deadline or not record.alive:
                raise


def http_target(target):
    """(port, path) of an HTTP probe's target."""
    text = str(target)
    text = text.partition("://")[2] if "://" in text else text
    place, slash, path = text.partition("/")
    port = place.rpartition(":")[2]
    if not port.isdigit():
        if ":" in place or not slash:
            raise WherryError(f"{target!r} is no target of an HTTP probe", hint="write it as :8080/path")
        port = "80"
    return int(port), "/" + path


def _connection(address, port, timeout):
    import _socket

    channel = _socket.socket(_socket.AF_INET, _socket.SOCK_STREAM | _socket.SOCK_CLOEXEC)
    channel.settimeout(min(timeout, LOOK))
    try:
        channel.connect((address, port))
    except OSError as error:
        channel.close()
        raise WherryError(f"{address}:{port}: {error.strerror or error}") from None
    return channel


def _command(record, command, timeout):
    from .session import inside

    argv = ["/bin/sh", "-c", command] if isinstance(command, str) else list(command)
    reader, writer = posix.pipe2(posix.O_CLOEXEC)
    null = posix.open("/dev/null", posix.O_RDONLY | posix.O_CLOEXEC)
    try:
        process = inside(record, argv, stdio=(null, writer, writer))
    finally:
        posix.close(writer)
        posix.close(null)
    try:
        return _outcome(process, reader, timeout)
    finally:
        posix.close(reader)


def _outcome(process, reader, timeout):
    poll = select.poll()
    poll.register(process.pidfd, select.POLLIN)
    in_time = bool(poll.poll(timeout * 1000))
    if not in_time:
        linux.pidfd_send_signal(process.pidfd, 9)
    code = posix.waitstatus_to_exitcode(posix.waitpid(process.pid, 0)[1])
    posix.set_blocking(reader, False)
    try:
        text = posix.read(reader, OUTPUT).decode("utf-8", "replace").strip()
    except BlockingIOError:
        text = ""  # a child of the command still holds the pipe
    if not in_time:
        return False, f"no end within {timeout} s; {text}"
    return code == 0, text if code == 0 else f"exit code {code}; {text}"
