"""Get the agent running: one exec, in which the host says what it lacks and gets it.

The line on the host is `python3 -I -S -B -c BOOT DIGEST ROOT`; BOOT (runtime/agent/boot.py) answers in marked lines
until it says ok, and frames follow.  A host whose python3 does not fit is asked once what else it has.
"""

from __future__ import annotations

import shlex
import time
from typing import TYPE_CHECKING

from wherry.connection import interpreter
from wherry.connection.payload import Payload
from wherry.connection.target import Target
from wherry.connection.transport import Transport
from wherry.errors import UnreachableError, UsageError

if TYPE_CHECKING:
    from wherry.connection import ssh

START_TIME = 30.0  # seconds from the exec to the agent, the sending of the payload included
NOISE_LIMIT = 1 << 20  # bytes that a login shell may print before us


def start(target: Target, payload: Payload) -> tuple[Transport, bytes]:
    """A transport to a started agent, and what it has already said behind its ok."""
    if target.connection not in ("ssh", "local"):
        raise UsageError(f"connection '{target.connection}' is not supported", target.name, "ssh or local")
    if target.connection == "local":
        from wherry.connection import local

        transport = local.execute(argv_of(target, payload, target.python or local.python()))
        try:
            return _greet(transport, target, payload)
        except interpreter.Unfit as unfit:
            transport.close()
            raise interpreter.lacking(target, str(unfit), "") from None
        except BaseException:
            transport.close()
            raise
    from wherry.connection import ssh

    connection = ssh.connect(target)
    try:
        return _over_ssh(connection, target, payload)
    except BaseException:
        connection.close()
        raise


def _over_ssh(connection: ssh.Connection, target: Target, payload: Payload) -> tuple[Transport, bytes]:
    def attempt(python: str) -> tuple[Transport, bytes]:
        transport = connection.execute("exec " + shlex.join(argv_of(target, payload, python)))
        try:
            return _greet(transport, target, payload)
        except interpreter.Unfit:
            transport.end()  # a server may allow one session at a time
            raise

    try:
        return attempt(target.python or "python3")
    except interpreter.Unfit as unfit:
        return attempt(interpreter.find(connection, target, unfit))


def argv_of(target: Target, payload: Payload, python: str) -> list[str]:
    """The agent's command line."""
    return [python, "-I", "-S", "-B", "-c", payload.boot, payload.digest, target.root]


def _greet(transport: Transport, target: Target, payload: Payload) -> tuple[Transport, bytes]:
    """Answer BOOT until it is satisfied."""
    sent_archive = False
    lines = Lines(transport, target, f"wherry {payload.digest[:16]} ".encode())
    while (answer := lines.next()) is not None:
        word, _, rest = answer.partition(" ")
        if word == "ok":
            return transport, lines.rest
        if word == "need":
            _send(transport, payload.loader + payload.archive)  # it will want the rest as well: one round trip less
            sent_archive = True
        elif word == "send" and not sent_archive:
            _send(transport, payload.archive)
        elif word == "lacks":
            raise interpreter.Unfit(f"its python3 lacks {rest}")
        elif word == "error":
            raise UnreachableError(f"the agent cannot start: {rest}", target.name, "correct that on the host")
    words = transport.last_words()
    if "python" in words or "not found" in words or not words:
        raise interpreter.Unfit(words)
    raise UnreachableError(f"the agent did not start: {words}", target.name, "can this user run commands over SSH?")


def _send(transport: Transport, data: bytes) -> None:
    try:
        transport.send(data)
    except OSError:
        pass  # it has ended, and its last line says why


class Lines:
    """The marked lines of BOOT; what a shell profile prints is skipped."""

    def __init__(self, transport: Transport, target: Target, mark: bytes) -> None:
        self._transport, self._target, self._mark = transport, target, mark
        self._deadline = time.monotonic() + START_TIME
        self._noise = 0
        self._buffer = bytearray()

    def next(self) -> str | None:
        """The text behind the mark of the next marked line; None at the end of the stream."""
        while (line := self._line()) is not None:
            if line.startswith(self._mark):
                return line[len(self._mark) :].decode("utf-8", "replace")[:2000]
            self._noise += len(line)
            if self._noise > NOISE_LIMIT:
                raise UnreachableError(
                    "prints too much before the agent starts", self._target.name, "look at its shell profile"
                )
        return None

    @property
    def rest(self) -> bytes:
        """What came behind the last line."""
        return bytes(self._buffer)

    def _line(self) -> bytes | None:
        while b"\n" not in self._buffer:
            if len(self._buffer) > NOISE_LIMIT:
                self._buffer.clear()
            self._transport.set_timeout(max(0.1, self._deadline - time.monotonic()))
            try:
                data = self._transport.receive()
            except TimeoutError:
                raise UnreachableError(
                    "the agent does not start in time", self._target.name, "is the host very slow?"
                ) from None
            if not data:
                return None
            self._buffer += data
        line, _, rest = self._buffer.partition(b"\n")
        self._buffer = rest
        return bytes(line)
