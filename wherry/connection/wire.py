"""Frames: u32 header length, u32 body length, header (a JSON object with a "type"), body (bytes).

A header longer than its limit travels as bodies of "part" frames that end with "whole"; nobody above sees the difference.
What comes from a host is hostile until shown otherwise: anything unexpected is a ProtocolError, and memory is bounded.
"""

from __future__ import annotations

import json
import struct
from typing import Any

from wherry.errors import ProtocolError

HEADER_LIMIT = 256 << 10
BODY_LIMIT = 64 << 10
MESSAGE_LIMIT = 64 << 20
WRITE_LIMIT = 32 << 10
CREDIT = 4 << 20  # bytes of one stream that may be on their way

Header = dict[str, Any]
Frame = tuple[Header, bytes]

_LENGTHS = struct.Struct("!II")
_encode = json.JSONEncoder(separators=(",", ":"), allow_nan=False).encode


def frames(header: Header, body: bytes = b"") -> bytes:
    """The bytes of one message; a body longer than its limit is the caller's mistake."""
    text = _encode(header).encode()
    if len(text) <= HEADER_LIMIT:
        return _frame(text, body)
    if len(text) > MESSAGE_LIMIT:
        raise ProtocolError(f"a request of {len(text)} bytes; {MESSAGE_LIMIT} is the limit", hint="send it as a file")
    pieces = [text[start : start + BODY_LIMIT] for start in range(0, len(text), BODY_LIMIT)]
    return b"".join(_frame(b'{"type":"part"}', piece) for piece in pieces) + _frame(b'{"type":"whole"}', b"")


def _frame(header: bytes, body: bytes) -> bytes:
    return _LENGTHS.pack(len(header), len(body)) + header + body


class Decoder:
    """Turns bytes as they arrive into messages; holds at most one frame and one long message."""

    def __init__(self) -> None:
        self._buffer = bytearray()
        self._parts = bytearray()

    def feed(self, data: bytes) -> None:
        """Take bytes as they came; call `take` until it gives None before feeding again."""
        self._buffer += data

    @property
    def waiting(self) -> bool:
        """Whether a message has begun and its end is missing."""
        return bool(self._buffer or self._parts)

    def take(self) -> Frame | None:
        """The next message as (header, body), None until more bytes are fed; ProtocolError for anything else."""
        while (found := self._take_frame()) is not None:
            header, body = found
            if header["type"] == "part":
                self._add(body)
            elif header["type"] == "whole":
                parts, self._parts = bytes(self._parts), bytearray()
                return parse(parts), b""
            else:
                return found
        return None

    def _take_frame(self) -> Frame | None:
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

    def _add(self, body: bytes) -> None:
        if len(self._parts) + len(body) > MESSAGE_LIMIT:
            raise ProtocolError(f"a message of more than {MESSAGE_LIMIT} bytes")
        self._parts += body


def parse(text: bytes) -> Header:
    """The header in these bytes: a dict with a str "type"."""
    try:
        header = json.loads(text)
    except (ValueError, RecursionError) as error:  # ValueError covers JSON, UTF-8 and integers of too many digits
        raise ProtocolError(f"a header that is not JSON: {str(error)[:100]}") from None
    if not isinstance(header, dict) or not isinstance(header.get("type"), str):
        raise ProtocolError("a header that is not an object with a type")
    return header
