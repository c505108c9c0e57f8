"""Content on its way from the controller: asked for by digest, taken in as it arrives, never more than the credit allows."""

import os
import threading
import zlib
from collections import deque

from ..errors import ProtocolError, WherryError
from .undivided import ChannelLost
from .wire import CREDIT

RETURN_CREDIT = CREDIT // 4
CHUNK = 1 << 20


class Streams:
    """All streams of one agent; frames of streams that a child asked for are passed on to it."""

    def __init__(self, channel):
        self._channel = channel
        self._open = {}
        self._number = 0
        self._lost = False

    def pull(self, contents):
        """Ask for contents ((digest, size or None) each) in one question; yields (digest, iterator of chunks) in order.

        Each iterator must be used up before the next is asked for; one left early ends the whole stream.
        """
        stream = self._begin([digest for digest, _ in contents])
        try:
            for digest, size in contents:
                yield digest, stream.content(digest, size)
            stream.finish()
        finally:
            self._finish(stream)

    def feed(self, header, body):
        """Take a begin, data or end frame (from the reading thread)."""
        stream = self._open.get(header.get("stream"))
        if stream is not None:
            stream.feed(header, body)

    def pass_on(self, identity, child):
        """Send the frames of this stream to a child's channel."""
        self._open[identity] = Passed(child, lambda: self._open.pop(identity, None))

    def lose(self):
        """The channel is gone: whoever waits is woken with ChannelLost; True when there is somebody."""
        self._lost = True
        waiting = list(self._open.values())
        for stream in waiting:
            stream.feed({"type": "lost"}, b"")
        return bool(waiting)

    def _begin(self, digests):
        self._number += 1
        identity = f"{os.getpid()}.{self._number}"  # children ask over the same channel
        stream = self._open[identity] = Stream(identity, self._channel)
        if self._lost:
            raise ChannelLost(1)
        self._channel.send({"type": "want", "stream": identity, "digests": digests, "accept": ["zlib"]})
        return stream

    def _finish(self, stream):
        if not stream.ended and not self._lost:
            self._channel.send({"type": "stop", "stream": stream.identity})
        self._open.pop(stream.identity, None)


class Passed:
    """A stream that a child asked for."""

    def __init__(self, child, forget):
        self._child, self._forget = child, forget

    def feed(self, header, body):
        """Hand the frame to the child; one that is gone needs it no more."""
        try:
            if header["type"] != "lost":  # the child sees the end of its own channel
                self._child.send(header, body)
        except OSError:
            self._forget()
        if header["type"] == "end":
            self._forget()


class Stream:
    """One answer to a `want`: for each content a begin frame, data frames; then an end frame."""

    def __init__(self, identity, channel):
        self.identity, self.ended = identity, False
        self._channel = channel
        self._frames = deque()
        self._arrived = threading.Condition()
        self._owed = 0

    def feed(self, header, body):
        """Queue a frame (from the reading thread)."""
        with self._arrived:
            self._frames.append((header, body))
            self._arrived.notify()

    def content(self, digest, size):
        """The decoded bytes of one content in chunks; WherryError when it is longer or shorter than it should be."""
        header, _ = self._next()
        if header["type"] != "begin" or header.get("digest") != digest:
            raise ProtocolError(f"the controller sent {header.get('type')} instead of {digest}")
        size, length = header["size"] if size is None else size, 0
        for chunk in decoded(self._bodies(), header["encoding"], digest):
            length += len(chunk)
            if length > size:
                break
            yield chunk
        if length != size:
            raise WherryError(
                f"{digest} is {'longer' if length > size else 'shorter'} than the {size} bytes it should have"
            )

    def finish(self):
        """Wait for the end frame."""
        while not self.ended:
            self._next()

    def _bodies(self):
        while True:
            header, body = self._next()
            if header["type"] != "data":
                raise ProtocolError(f"the controller sent {header['type']} instead of data")
            if body:
                yield body
            if header.get("last"):
                return

    def _next(self):
        with self._arrived:
            while not self._frames:
                self._arrived.wait()
            header, body = self._frames.popleft()
        if header["type"] == "lost":
            raise ChannelLost(1)
        if header["type"] == "end":
            self.ended = True
            if header.get("error"):
                raise WherryError(header["error"])
        self._return(len(body))
        return header, body

    def _return(self, size):
        self._owed += size
        if self._owed >= RETURN_CREDIT and not self.ended:
            self._channel.send({"type": "credit", "stream": self.identity, "bytes": self._owed})
            self._owed = 0


def decoded(bodies, encoding, digest):
    """The bytes behind an encoding, in chunks of bounded size."""
    if encoding == "raw":
        yield from bodies
        return
    unpacker = zlib.decompressobj()
    try:
        for body in bodies:
            chunk = unpacker.decompress(body, CHUNK)
            while chunk:
                yield chunk
                chunk = unpacker.decompress(unpacker.unconsumed_tail, CHUNK)
        rest = unpacker.flush()
    except zlib.error as error:
        raise WherryError(f"{digest} arrived damaged: {error}") from None
    if rest:
        yield rest
