"""Frames from a hostile host: a message, or ProtocolError; never anything else, never much memory."""

import json
import struct
import tracemalloc

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from wherry.connection import wire
from wherry.errors import ProtocolError

HEADERS = st.dictionaries(st.text(), st.none() | st.integers() | st.text(), max_size=5).map(
    lambda found: {**found, "type": "x"}
)


def decode(data, step=None):
    """Every message in the bytes, fed in pieces."""
    decoder, found = wire.Decoder(), []
    for start in range(0, len(data), step or len(data) or 1):
        decoder.feed(data[start : start + (step or len(data))])
        while (frame := decoder.take()) is not None:
            found.append(frame)
    return found


@given(st.lists(st.tuples(HEADERS, st.binary(max_size=200)), max_size=5), st.integers(1, 50))
def test_what_is_sent_is_what_arrives_however_it_is_cut(messages, step):
    data = b"".join(wire.frames(header, body) for header, body in messages)
    assert decode(data, step) == messages


@given(st.binary(max_size=400))
@settings(max_examples=500)
def test_any_bytes_are_messages_or_a_protocol_error(data):
    try:
        decode(data, 7)
    except ProtocolError:
        pass


@given(HEADERS, st.binary(max_size=60), st.integers(0, 200), st.integers(0, 255))
@settings(max_examples=500)
def test_a_flipped_byte_is_another_message_or_a_protocol_error(header, body, place, value):
    data = bytearray(wire.frames(header, body) * 2)
    data[place % len(data)] ^= value
    try:
        decode(bytes(data))
    except ProtocolError:
        pass


@pytest.mark.parametrize(
    "data",
    [
        struct.pack("!II", 2**32 - 1, 0),
        struct.pack("!II", 0, 2**32 - 1),
        struct.pack("!II", wire.HEADER_LIMIT + 1, 0),
        struct.pack("!II", 2, wire.BODY_LIMIT + 1),
        struct.pack("!II", 3, 0) + b"abc",
        struct.pack("!II", 2, 0) + b"[]",
        struct.pack("!II", 2, 0) + b"{}",
        struct.pack("!II", 10, 0) + b'{"type":1}',
        struct.pack("!II", 100_000, 0) + b"[" * 100_000,
        struct.pack("!II", 200_013, 0) + b'{"type":"x' + b"\xff" * 200_001 + b'"}',
        struct.pack("!II", 200_000, 0) + b'{"type":"x","n":' + b"9" * 199_983 + b"}",
    ],
    ids=lambda data: f"{data[:20]!r}",
)
def test_frames_that_are_too_long_too_deep_or_no_objects_are_protocol_errors(data):
    with pytest.raises(ProtocolError):
        decode(data)


def test_a_message_longer_than_a_frame_arrives_whole():
    header = {"type": "result", "text": "ä" * 1_000_000}
    assert decode(wire.frames(header), 65536) == [(header, b"")]


def test_parts_without_end_stop_at_the_limit_in_bounded_memory():
    part = wire.frames({"type": "part"}, b"x" * wire.BODY_LIMIT)
    decoder = wire.Decoder()
    tracemalloc.start()
    with pytest.raises(ProtocolError):
        for _ in range(2 * wire.MESSAGE_LIMIT // wire.BODY_LIMIT):
            decoder.feed(part)
            decoder.take()
    assert tracemalloc.get_traced_memory()[1] < 2.5 * wire.MESSAGE_LIMIT
    tracemalloc.stop()


def test_a_request_that_is_far_too_long_is_refused_before_it_is_sent():
    with pytest.raises(ProtocolError):
        wire.frames({"type": "task", "text": "x" * (wire.MESSAGE_LIMIT + 1)})


def test_the_hosts_half_speaks_the_same():
    from runtime.agent import wire as other

    for header in (
        {"type": "x", "text": "\udc80 ü"},
        {"type": "y", "n": [1, 2.5, None, True]},
        {"type": "z", "text": "x" * 600_000},
    ):
        assert decode(b"".join(other.frames(header, b"")))[0][0] == header
        decoder = other.Decoder()
        decoder.feed(wire.frames(header))
        assert decoder.take() == (header, b"")
    for name in ("HEADER_LIMIT", "BODY_LIMIT", "MESSAGE_LIMIT", "WRITE_LIMIT", "CREDIT"):
        assert getattr(other, name) == getattr(wire, name)
    assert json.loads('"\\udc80"') == "\udc80"
