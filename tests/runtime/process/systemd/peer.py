"""The other end of a private D-Bus socket: logs the client in, keeps what it is asked, gives the answers it was told."""

import contextlib
import os
import socket
import threading

from runtime.process.systemd import values

JOB = "/org/freedesktop/systemd1/job/7"


class Peer:
    """Answers one connection at `path`: each call takes the next of `answers`, a function of the call's serial to bytes."""

    def __init__(self, path, answers, login=b"OK 0123\r\n", piece=1 << 20):
        self.path, self.greeting, self.calls = path, b"", []
        self._answers, self._login, self._piece = list(answers), login, piece
        self._listener = socket.socket(socket.AF_UNIX)
        self._listener.bind(path)
        self._listener.listen(1)
        self._thread = threading.Thread(target=self._serve, daemon=True)

    def __enter__(self):
        self._thread.start()
        return self

    def __exit__(self, *exception):
        self._thread.join(5)
        self._listener.close()
        assert not self._thread.is_alive(), "the client did not hang up"

    def _serve(self):
        channel, _ = self._listener.accept()
        with channel, contextlib.suppress(ConnectionError), channel.makefile("rb") as incoming:
            self.greeting = incoming.readline()
            self._say(channel, self._login)
            self.greeting += incoming.readline()
            for answer in self._answers:
                self._say(channel, answer(self._receive(incoming)))
            incoming.read()  # until the client hangs up

    def _receive(self, incoming):
        start = incoming.read(values.FIXED)
        header, body = values.sizes(start)
        whole = start + incoming.read(header + body - len(start))
        _, fields = values.header(whole[:header])
        self.calls.append((fields[values.MEMBER], *values.decode(fields.get(values.SIGNATURE, ""), whole[header:])))
        return int.from_bytes(whole[8:12], "little")

    def _say(self, channel, data):
        for place in range(0, len(data), self._piece):
            channel.sendall(data[place : place + self._piece])


def result(signature="", *given):
    """The answer of a call that went well."""
    return lambda serial: values.message(1, values.RETURN, {values.REPLY_SERIAL: ("u", serial)}, signature, given)


def refusal(name, text):
    """The answer that is an error."""
    fields = {values.ERROR_NAME: ("s", f"org.freedesktop.systemd1.{name}")}
    return lambda serial: values.message(1, values.ERROR, {**fields, values.REPLY_SERIAL: ("u", serial)}, "s", (text,))


def signal(member, signature, *given):
    """A signal."""
    return values.message(1, values.SIGNAL, {values.MEMBER: ("s", member)}, signature, given)


def job(outcome):
    """The answer of StartTransientUnit, and how the job that it began ended."""
    removed = signal("JobRemoved", "uoss", 7, JOB, "wherry.scope", outcome)
    other = signal("JobRemoved", "uoss", 6, JOB[:-1] + "6", "other.service", "failed")
    return lambda serial: other + result("o", JOB)(serial) + removed


def socket_path(folder):
    """A path in `folder`, which pytest makes as long as it likes, that fits into the address of a socket."""
    return os.path.relpath(folder / "private")
