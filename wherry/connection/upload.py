"""Content on its way to a host: one answer to a `want`."""

from __future__ import annotations

import zlib
from collections.abc import Iterator, Mapping

from wherry.connection.wire import BODY_LIMIT, CREDIT, Frame, Header
from wherry.errors import ProtocolError
from wherry.protocols import Content

SMALL = 256  # bytes; below, an encoding only costs
SAMPLE = 64 << 10


class Upload:
    """The frames of one stream: per content a begin and data frames, the last of them marked, then an end frame."""

    def __init__(self, stream: str, digests: list[str], contents: Mapping[str, Content], encoding: str) -> None:
        self.stream, self.ended = stream, False
        self._credit = CREDIT
        self._stopped = False
        self._frames = self._all(digests, contents, encoding)

    @property
    def ready(self) -> bool:
        """Whether a frame may be sent now."""
        return self._credit >= BODY_LIMIT or self._stopped

    def credit(self, header: Header) -> None:
        """Take a credit or a stop frame from the host."""
        amount = header.get("bytes", 0)
        if header["type"] == "stop":
            self._stopped = True
        elif not isinstance(amount, int) or not 0 <= amount <= CREDIT - self._credit:
            raise ProtocolError("more credit than was used")
        else:
            self._credit += amount

    def next(self) -> Frame:
        """The next frame to send."""
        frame = self._end("stopped") if self._stopped else next(self._frames)
        self._credit -= len(frame[1])
        self.ended = frame[0]["type"] == "end"
        return frame

    def _all(self, digests: list[str], contents: Mapping[str, Content], encoding: str) -> Iterator[Frame]:
        for digest in digests:
            content = contents.get(digest)
            if content is None:  # only what this run attached for this host, never a file by name
                yield self._end(f"{digest[:80]} is not among what this run sends")
                return
            try:
                way = encoding if encoding == "raw" or is_worth_packing(content) else "raw"
                header = {
                    "type": "begin",
                    "stream": self.stream,
                    "digest": digest,
                    "size": content.size,
                    "encoding": way,
                }
                yield header, b""
                yield from self._bodies(content, way)
            except OSError as error:
                yield self._end(f"{error.filename}: {error.strerror}")
                return
        yield {"type": "end", "stream": self.stream}, b""

    def _bodies(self, content: Content, encoding: str) -> Iterator[Frame]:
        data = {"type": "data", "stream": self.stream}
        rest = bytearray()
        for chunk in content.read(encoding):
            rest += chunk
            while len(rest) > BODY_LIMIT:
                yield data, bytes(rest[:BODY_LIMIT])
                del rest[:BODY_LIMIT]
        yield {**data, "last": True}, bytes(rest)

    def _end(self, error: str) -> Frame:
        return {"type": "end", "stream": self.stream, "error": error}, b""


def is_worth_packing(content: Content) -> bool:
    """Whether the beginning of the content shrinks by a tenth; packing what is packed already costs 20 ms a megabyte."""
    if content.size < SAMPLE:
        return content.size >= SMALL
    sample = next(content.read("raw"), b"")[:SAMPLE]
    return len(zlib.compress(sample, 1)) < 0.9 * len(sample)
