"""Terminals: a pair of our own for the container, its size, and the operator's terminal in raw mode (termios(3))."""

from _struct import pack, unpack
from posix import O_CLOEXEC, O_DIRECTORY, O_NOCTTY, O_NOFOLLOW, O_RDONLY, O_RDWR, chown, openpty
from posix import open as open_file

from .. import linux
from ..errors import StartError

_TCGETS, _TCSETSW, _TIOCSCTTY = 0x5401, 0x5403, 0x540E
_AF_UNIX, _SOCK_STREAM, _SOL_SOCKET, _SCM_RIGHTS, _MSG_CMSG_CLOEXEC, _ROOM_FOR_ONE = 1, 1, 1, 1, 0x40000000, 24
_DEVPTS = 0x1CD1  # linux/magic.h
_TIOCGWINSZ, _TIOCSWINSZ = 0x5413, 0x5414
_TIOCSPTLCK, _TIOCGPTPEER, _TIOCGPTN = 0x40045431, 0x5441, 0x80045430

_TERMIOS = "=4IB19s"  # struct ktermios as the ioctls have it: input, output, control, local, line, characters
_BRKINT, _ICRNL, _INLCR, _IGNCR, _IGNBRK, _PARMRK, _ISTRIP, _IXON = 0o2, 0o400, 0o100, 0o200, 0o1, 0o10, 0o40, 0o2000
_OPOST, _CSIZE, _PARENB, _CS8 = 0o1, 0o60, 0o400, 0o60
_ECHO, _ECHONL, _ICANON, _ISIG, _IEXTEN = 0o10, 0o100, 0o2, 0o1, 0o100000
_VTIME, _VMIN = 5, 6


def open():  # noqa: A001 - terminal.open()
    """A new pair (master, slave), both close-on-exec."""
    return openpty()


def open_in(devpts, uid):
    """A pair (master, slave) in the devpts filesystem `devpts` (a descriptor), where it has a name; `uid` owns it."""
    master = open_file("ptmx", O_RDWR | O_NOCTTY | O_CLOEXEC, dir_fd=devpts)
    linux.ioctl(master, _TIOCSPTLCK, pack("i", 0))
    slave = linux.ioctl(master, _TIOCGPTPEER, O_RDWR | O_NOCTTY | O_CLOEXEC)  # not by name: 4.13
    chown(slave, uid, -1)
    return master, slave


def open_devpts(path):
    """The directory `path`, if a devpts filesystem is mounted there and not something that looks like it."""
    fd = open_file(path, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC)
    if linux.fstatfs(fd) != _DEVPTS:
        raise StartError(f"{path} of the container is no devpts", "terminal", "run it without a terminal")
    return fd


def number(master):
    """The number N of the pair's /dev/pts/N."""
    answer = linux.buffer(4)
    linux.ioctl(master, _TIOCGPTN, answer)
    return unpack("I", bytes(answer))[0]


class Handover:
    """A way for a child to give the master of its terminal to its parent."""

    def __init__(self):
        import _socket  # only with a terminal: 0.3 ms

        self._ours, self._childs = _socket.socketpair(_AF_UNIX, _SOCK_STREAM)

    def send(self, master):
        """In the child."""
        self._childs.sendmsg([b"m"], [(_SOL_SOCKET, _SCM_RIGHTS, pack("i", master))])

    def receive(self):
        """In the parent: the descriptor of the master."""
        _, messages, _, _ = self._ours.recvmsg(1, _ROOM_FOR_ONE, _MSG_CMSG_CLOEXEC)
        return unpack("i", messages[0][2])[0]

    def close(self):
        """Both ends, in the parent."""
        self._ours.close()
        self._childs.close()


def control(fd):
    """Make the terminal `fd` the controlling one of this process, which leads a session."""
    linux.ioctl(fd, _TIOCSCTTY, 0)


def size(fd):
    """(rows, columns) of a terminal."""
    answer = linux.buffer(8)
    linux.ioctl(fd, _TIOCGWINSZ, answer)
    return unpack("4H", bytes(answer))[:2]


def set_size(fd, rows, columns):
    """Tell a terminal its size; its foreground processes get SIGWINCH."""
    linux.ioctl(fd, _TIOCSWINSZ, pack("4H", rows, columns, 0, 0))


class Raw:
    """`with Raw(fd)`: every key goes through as it is; afterwards the terminal is as it was."""

    def __init__(self, fd):
        self.fd = fd

    def __enter__(self):
        answer = linux.buffer(36)
        linux.ioctl(self.fd, _TCGETS, answer)
        self._before = bytes(answer)
        linux.ioctl(self.fd, _TCSETSW, raw(self._before))
        return self

    def __exit__(self, *_):
        linux.ioctl(self.fd, _TCSETSW, self._before)


def raw(settings):
    """The settings as cfmakeraw(3) changes them."""
    inputs, outputs, control_flags, local, line, characters = unpack(_TERMIOS, settings)
    inputs &= ~(_IGNBRK | _BRKINT | _PARMRK | _ISTRIP | _INLCR | _IGNCR | _ICRNL | _IXON)
    control_flags = control_flags & ~(_CSIZE | _PARENB) | _CS8
    local &= ~(_ECHO | _ECHONL | _ICANON | _ISIG | _IEXTEN)
    keys = bytearray(characters)
    keys[_VMIN], keys[_VTIME] = 1, 0
    return pack(_TERMIOS, inputs, outputs & ~_OPOST, control_flags, local, line, bytes(keys))
