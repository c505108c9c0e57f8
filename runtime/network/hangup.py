"""End connections of a process from outside it: pidfd_getfd(2) gives us its sockets, shutdown(2) works on the connection.

A server that reads end-of-file where the next request would come closes the connection, whatever it is written in.
"""

import _socket
import posix
from _struct import unpack_from

from .. import linux

_TCP_INFO, _TCP_INFO_SIZE = 11, 136
_LAST_DATA_SENT, _BYTES_RECEIVED = 44, 128  # offsets in struct tcp_info; the time of the last receipt is at 52
_STATE_LIVING = (1, 8)  # TCP_ESTABLISHED, TCP_CLOSE_WAIT
_UNUSED_RESTS = 20  # a connection without its first request gets so many times the rest


def hang_up(pids, rest_ms, ports):
    """Close the reading side of what is at rest: the last packet was an answer, `rest_ms` or more ago.

    ports: the container's own port numbers, so that what it has open to others stays.  Returns how many were hung up.
    """
    return _shut(pids, ports, _socket.SHUT_RD, lambda connection: _at_rest(connection, rest_ms))


def end(pids, ports):
    """Close both sides of every connection to these ports, answered or not; return how many: their peers see the end."""
    return _shut(pids, ports, _socket.SHUT_RDWR, lambda connection: True)


def _shut(pids, ports, how, wanted):
    ended = 0
    for pid in pids:
        for connection in _connections(pid, ports):
            try:
                if wanted(connection):
                    connection.shutdown(how)
                    ended += 1
            except OSError:
                pass  # it ended meanwhile
            finally:
                connection.close()
    return ended


def _at_rest(connection, rest_ms):
    info = connection.getsockopt(_socket.IPPROTO_TCP, _TCP_INFO, _TCP_INFO_SIZE)
    sent, _, received = unpack_from("=III", info, _LAST_DATA_SENT)
    unused = len(info) >= _BYTES_RECEIVED + 8 and not unpack_from("=Q", info, _BYTES_RECEIVED)[0]
    rest = rest_ms * _UNUSED_RESTS if unused else rest_ms
    return rest <= sent <= received and not _has_unread(connection)


def _has_unread(connection):
    """Whether a request has arrived that nobody has read: the kernel's times alone are too coarse (4 to 10 ms)."""
    try:
        return bool(connection.recv(1, _socket.MSG_PEEK | _socket.MSG_DONTWAIT))
    except BlockingIOError:
        return False


def _connections(pid, ports):
    """Our own descriptors of the living TCP connections to `ports` that process `pid` has; the caller closes them."""
    try:
        pidfd = linux.pidfd_open(pid)
    except OSError:
        return  # it exited
    try:
        for fd in _sockets(pid):
            connection = _copy(pidfd, fd)
            if connection is not None and _leads_to(connection, ports):
                yield connection
            elif connection is not None:
                connection.close()
    finally:
        posix.close(pidfd)


def _sockets(pid):
    try:
        return [int(fd) for fd in posix.listdir(f"/proc/{pid}/fd") if _is_socket(f"/proc/{pid}/fd/{fd}")]
    except OSError:
        return []  # the process is gone


def _is_socket(path):
    try:
        return posix.readlink(path).startswith("socket:")
    except OSError:
        return False  # closed meanwhile


def _copy(pidfd, fd):
    try:
        ours = linux.pidfd_getfd(pidfd, fd)
    except OSError:
        return None  # closed meanwhile, or a kernel before 5.6
    try:
        return _socket.socket(fileno=ours)
    except OSError:
        posix.close(ours)  # something else has that number by now
        return None


def _leads_to(connection, ports):
    """Whether it is a TCP connection (not a listening socket) whose end here is one of `ports`."""
    if connection.family not in (_socket.AF_INET, _socket.AF_INET6) or connection.type != _socket.SOCK_STREAM:
        return False
    try:
        state = connection.getsockopt(_socket.IPPROTO_TCP, _TCP_INFO, 1)[0]
        return state in _STATE_LIVING and connection.getsockname()[1] in ports
    except OSError:
        return False
