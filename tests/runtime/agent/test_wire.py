"""The host's half of the frames: a message or ProtocolError, whatever arrives."""

import struct

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from runtime.agent import wire
from runtime.errors import ProtocolError


def decode(data, step):
    """Every message in the bytes, fed in pieces."""
    decoder, found = wire.Decoder(), []
    for start in range(0, len(data), step):
        decoder.feed(data[start : start + step])
        while (frame := decoder.take()) is not None:
            found.append(frame)
    return found


@given(st.dictionaries(st.text(), st.text() | st.integers()), st.binary(max_size=100), st.integers(1, 40))
def test_what_is_sent_is_what_arrives(fields, body, step):
    header = {**fields, "type": "x"}
    assert decode(b"".join(wire.frames(header, body)), step) == [(header, body)]


@given(st.binary(max_size=300))
@settings(max_examples=500)
def test_any_bytes_are_messages_or_a_protocol_error(data):
    try:
        decode(data, 5)
    except ProtocolError:
        pass


@pytest.mark.parametrize(
    "lengths", [(2**32 - 1, 0), (0, 2**32 - 1), (wire.HEADER_LIMIT + 1, 0), (2, wire.BODY_LIMIT + 1)]
)
def test_lengths_above_the_limits_are_refused_at_once(lengths):
    with pytest.raises(ProtocolError):
        decode(struct.pack("!II", *lengths), 8)


def test_a_deep_header_is_a_protocol_error():
    with pytest.raises(ProtocolError):
        decode(struct.pack("!II", 100_000, 0) + b"[" * 100_000, 65536)
