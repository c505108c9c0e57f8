"""Two descriptors that carry frames; any thread may send, one thread reads."""

import os
import select
import threading
import time

from .wire import WRITE_LIMIT, Decoder, frames

READ_SIZE = 64 << 10


class Channel:
    """A pair of blocking descriptors; OSError when the other end is gone."""

    def __init__(self, source, sink):
        self.source, self._sink = source, sink
        self._decoder = Decoder()
        self._sending = threading.Lock()

    def send(self, header, body=b""):
        """Write one message; blocks while the other end does not read."""
        pieces = frames(header, body)
        with self._sending:
            for piece in pieces:
                self.write(piece)

    def receive(self, deadline=None):
        """The next message as (header, body); None at the end of the channel; TimeoutError at the deadline (monotonic)."""
        while True:
            found = self._decoder.take()
            if found is not None:
                return found
            if (
                deadline is not None
                and not select.select([self.source], [], [], max(0, deadline - time.monotonic()))[0]
            ):
                raise TimeoutError
            data = os.read(self.source, READ_SIZE)
            if not data:
                return None
            self._decoder.feed(data)

    def close(self):
        """Close both descriptors; a reader on the other end sees the end."""
        os.close(self.source)
        os.close(self._sink)

    def write(self, data):
        """Write bytes as they are; only before frames begin."""
        view = memoryview(data)
        while view:
            view = view[os.write(self._sink, view[:WRITE_LIMIT]) :]


def take_over_stdio():
    """The channel on descriptors 0 and 1, moved out of reach of the programs that tasks start; 0-2 become /dev/null."""
    source, sink = os.dup(0), os.dup(1)  # dup makes them close-on-exec
    null = os.open("/dev/null", os.O_RDWR)
    for standard in (0, 1, 2):
        os.dup2(null, standard)
    os.close(null)
    return Channel(source, sink)
