"""Frames: u32 header length, u32 body length, header (a JSON object with a "type"), body (bytes).

A header longer than its limit travels as bodies of "part" frames that end with "whole"; nobody above sees the difference.
"""

import struct

from ..errors import ProtocolError
from ..state import decode, encode

HEADER_LIMIT = 256 << 10
BODY_LIMIT = 64 << 10
MESSAGE_LIMIT = 64 << 20
WRITE_LIMIT = 32 << 10
CREDIT = 4 << 20  # bytes of one stream that may be on their way

_LENGTHS = struct.Struct("!II")


def frames(header, body=b""):
    """The bytes of one message, in pieces that are frames of their own."""
    text = encode(header).encode()
    if len(text) <= HEADER_LIMIT:
        return [_frame(text, body)]
    if len(text) > MESSAGE_LIMIT:
        raise ProtocolError(f"a message of {len(text)} bytes; {MESSAGE_LIMIT} is the limit")
    pieces = [text[start : start + BODY_LIMIT] for start in range(0, len(text), BODY_LIMIT)]
    return [*(_frame(b'{"type": "part"}', piece) for piece in pieces), _frame(b'{"type": "whole"}', b"")]


def _frame(header, body):
    return _LENGTHS.pack(len(header), len(body)) + header + body


class Decoder:
    """Turns bytes as they arrive into messages; holds at most one frame and one long message."""

    def __init__(self):
        self._buffer = bytearray()
        self._parts = bytearray()

    def feed(self, data):
        """Take bytes as they came; `take` until it gives None before feeding again."""
        self._buffer += data

    def take(self):
        """The next message as (header, body), None until more bytes are fed; ProtocolError for anything else."""
        while True:
            found = self._take_frame()
            if found is None:
                return None
            header, body = found
            if header["type"] == "part":
                self._add(body)
            elif header["type"] == "whole":
                parts, self._parts = bytes(self._parts), bytearray()
                return parse(parts), b""
            else:
                return header, body

    def _take_frame(self):
        if len(self._buffer) < _LENGTHS.size:
            return None
        header_size, body_size = _LENGTHS.unpack_from(self._buffer)
        if header_size > HEADER_LIMIT or body_size > BODY_LIMIT:
            raise ProtocolError(
                f"a frame of {header_size} + {body_size} bytes; the limits are {HEADER_LIMIT} + {BODY_LIMIT}"
            )
        start = _LENGTHS.size + header_size
        if len(self._buffer) < start + body_size:
            return None
        header, body = bytes(self._buffer[_LENGTHS.size : start]), bytes(self._buffer[start : start + body_size])
        del self._buffer[: start + body_size]
        return parse(header), body

    def _add(self, body):
        if len(self._parts) + len(body) > MESSAGE_LIMIT:
            raise ProtocolError(f"a message of more than {MESSAGE_LIMIT} bytes")
        self._parts += body


def parse(text):
    """The header in these bytes: a dict with a str "type"."""
    try:
        header = decode(text.decode())
    except (ValueError, RecursionError) as error:
        raise ProtocolError(f"a header that is not JSON: {str(error)[:200]}") from None
    if not isinstance(header, dict) or not isinstance(header.get("type"), str):
        raise ProtocolError("a header that is not an object with a type")
    return header
