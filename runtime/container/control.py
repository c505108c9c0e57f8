"""The control socket of a monitor: one line of JSON each way, descriptors beside it; only for the same user or root."""

import _socket
import posix
from _struct import calcsize, pack, unpack

from .. import errors, state

SOCKET = "monitor.sock"  # in the container's run directory
LONGEST = 64 << 10
MOST_DESCRIPTORS = 250  # the kernel's limit is 253
CREDENTIALS = "3i"
STREAM = _socket.SOCK_STREAM | _socket.SOCK_CLOEXEC


def unbound():
    """A socket that `listen` takes."""
    return _socket.socket(_socket.AF_UNIX, STREAM | _socket.SOCK_NONBLOCK)


def listen(directory, name, listener=None):
    """A listening socket at `directory`/`name`, 0600, non-blocking; one that is left there from before is replaced."""
    listener = listener or unbound()
    path = f"{directory}/{name}"
    try:
        posix.unlink(path)
    except FileNotFoundError:
        pass
    _by_directory(directory, name, listener.bind)
    posix.chmod(path, 0o600)  # the directory is 0700: nobody else could connect before either
    listener.listen(64)
    return listener


def connect(directory, name):
    """A connection to the socket `directory`/`name`; ConnectionRefusedError or FileNotFoundError when nobody listens."""
    channel = _socket.socket(_socket.AF_UNIX, STREAM)
    _by_directory(directory, name, channel.connect)
    return channel


def accept(listener):
    """The next connection of a process of our own user or root; None when there is none or it is somebody else's."""
    try:
        fd, _ = listener._accept()
    except (BlockingIOError, ConnectionAbortedError):
        return None
    channel = _socket.socket(fileno=fd)
    if not is_ours(channel):
        channel.close()
        return None
    channel.settimeout(5)  # a caller that says nothing must not hold up the container
    return channel


def is_ours(channel):
    """Whether the process at the other end is of our own user or root."""
    size = calcsize(CREDENTIALS)
    _, uid, _ = unpack(CREDENTIALS, channel.getsockopt(_socket.SOL_SOCKET, _socket.SO_PEERCRED, size))
    return uid in (0, posix.geteuid())


def send(channel, message, descriptors=()):
    """Send one message and copies of `descriptors`."""
    line = state.encode(message).encode() + b"\n"
    passed = (
        [(_socket.SOL_SOCKET, _socket.SCM_RIGHTS, pack(f"{len(descriptors)}i", *descriptors))] if descriptors else []
    )
    sent = channel.sendmsg([line], passed)
    if sent < len(line):
        channel.sendall(line[sent:])


def receive(channel):
    """One message and the descriptors that came with it; (None, []) at the end of the connection."""
    line, descriptors = b"", []
    while not line.endswith(b"\n"):
        part, passed, _, _ = channel.recvmsg(
            LONGEST, _socket.CMSG_SPACE(4 * MOST_DESCRIPTORS), _socket.MSG_CMSG_CLOEXEC
        )
        for level, kind, data in passed:
            if (level, kind) == (_socket.SOL_SOCKET, _socket.SCM_RIGHTS):
                descriptors += unpack(f"{len(data) // 4}i", data)
        line += part
        if not part and not line:
            return None, descriptors
        if not part or len(line) > LONGEST:
            raise errors.ProtocolError("a message on a control socket is cut or too long")
    try:
        return state.decode(line.decode()), descriptors
    except ValueError as error:
        raise errors.ProtocolError(f"a message on a control socket cannot be read: {error}") from None


def ask(directory, name, message, descriptors=()):
    """Send `message` and return (answer, descriptors); an answer that is an error is raised as that."""
    channel = connect(directory, name)
    try:
        send(channel, message, descriptors)
        answer, passed = receive(channel)
    finally:
        channel.close()
    if answer is None:
        raise errors.ProtocolError("the monitor went away without an answer", f"{directory}/{name}")
    raise_error(answer)
    return answer, passed


def raise_error(answer):
    """Raise the error that `answer` holds, if any, in its own kind."""
    error = answer.get("error")
    if error:
        found = getattr(errors, error["kind"], errors.WherryError)(error["what"], error["where"], error["hint"])
        found.exit_code = error["exit_code"]
        raise found


def _by_directory(directory, name, operation):
    """Call `operation` with an address of the socket that fits the 108 bytes the kernel has, however deep it lies."""
    fd = posix.open(directory, posix.O_PATH | posix.O_DIRECTORY | posix.O_CLOEXEC)
    try:
        operation(f"/proc/self/fd/{fd}/{name}")
    finally:
        posix.close(fd)
