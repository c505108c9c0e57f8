"""A client of D-Bus on a service's own socket: log in, call methods, wait for signals.

There is no bus in between, so no Hello, no names, no matches. D-Bus Specification, "Authentication Protocol".
"""

import _socket
import posix
from time import monotonic

from ...errors import ProtocolError, WherryError
from . import values


class Refused(WherryError):
    """The service answered with an error; `name` is D-Bus's name of it."""

    def __init__(self, name, text, where):
        super().__init__(f"{text} ({name})", where)
        self.name = name


class Connection:
    """A connection to the service at the socket `path`; whatever is not done after `seconds` raises ProtocolError."""

    def __init__(self, path, seconds):
        self._path, self._seconds, self._end = path, seconds, monotonic() + seconds
        self._buffer, self._serial, self._signals = b"", 0, []
        self._socket = _socket.socket(_socket.AF_UNIX, _socket.SOCK_STREAM | _socket.SOCK_CLOEXEC)

    def __enter__(self):
        try:
            self._in_time(self._socket.connect, self._path)
            self._log_in()
        except BaseException:
            self._socket.close()
            raise
        return self

    def __exit__(self, *exception):
        self._socket.close()

    def call(self, target, member, signature="", *arguments):
        """Call a method of `target` (destination, path, interface): the answer's values, or Refused."""
        self._serial += 1
        self._send(values.call(self._serial, target, member, signature, arguments))
        while True:
            kind, fields, body = self._receive()
            if kind == values.SIGNAL:
                self._signals.append((fields, body))
            elif fields.get(values.REPLY_SERIAL) == self._serial:
                break
        answer = values.decode(fields.get(values.SIGNATURE, ""), body)
        if kind == values.ERROR:
            raise Refused(fields.get(values.ERROR_NAME, ""), answer[0] if answer else "no reason given", self._path)
        return answer

    def signal(self, member, is_meant):
        """The values of the first signal `member` for which `is_meant(values)`; it may have come during a call."""
        while True:
            fields, body = self._next_signal()
            if fields.get(values.MEMBER) == member:
                found = values.decode(fields.get(values.SIGNATURE, ""), body)
                if is_meant(found):
                    return found

    def _next_signal(self):
        while not self._signals:
            kind, fields, body = self._receive()
            if kind == values.SIGNAL:
                self._signals.append((fields, body))
        return self._signals.pop(0)

    def _log_in(self):
        """SASL EXTERNAL: the kernel tells the other side who we are; we say it too, as hexadecimal digits of digits."""
        self._send(b"\0AUTH EXTERNAL " + str(posix.geteuid()).encode().hex().encode() + b"\r\n")
        while b"\r\n" not in self._buffer:
            self._fill()
        answer, _, self._buffer = self._buffer.partition(b"\r\n")
        if not answer.startswith(b"OK "):
            raise ProtocolError(f"the login was refused: {answer[:80].decode('ascii', 'replace')}", self._path)
        self._send(b"BEGIN\r\n")

    def _receive(self):
        """(kind, {field: value}, bytes of the body) of the next message."""
        header, body = values.sizes(self._peek(values.FIXED))
        data = self._peek(header + body)
        self._buffer = self._buffer[header + body :]
        return (*values.header(data[:header]), data[header:])

    def _peek(self, size):
        while len(self._buffer) < size:
            self._fill()
        return self._buffer[:size]

    def _fill(self):
        part = self._in_time(self._socket.recv, 1 << 16)
        if not part or len(self._buffer) > values.LONGEST:
            raise ProtocolError("the connection was closed, or a message has no end", self._path)
        self._buffer += part

    def _send(self, data):
        self._in_time(self._socket.sendall, data)

    def _in_time(self, operation, argument):
        """One operation of the socket, in what is left of the time."""
        rest = self._end - monotonic()
        try:
            if rest > 0:
                self._socket.settimeout(rest)
                return operation(argument)
        except _socket.timeout:
            pass
        raise ProtocolError(f"no answer within {self._seconds:g} s", self._path)
