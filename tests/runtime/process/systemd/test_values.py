"""Values and messages as D-Bus writes them down, byte for byte."""

import pytest
from hypothesis import given
from hypothesis import strategies as some

from runtime.errors import ProtocolError
from runtime.process.systemd import values

CASES = [  # by hand, from the specification
    ("y", [7], "07"),
    ("b", [True], "01000000"),
    ("u", [4242], "92100000"),
    ("yu", [1, 2], "01 000000 02000000"),
    ("yt", [1, (1 << 64) - 1], "01 00000000000000 ffffffffffffffff"),
    ("s", ["foo"], "03000000 666f6f 00"),
    ("s", ["ü"], "02000000 c3bc 00"),
    ("so", ["", "/"], "00000000 00 000000 01000000 2f 00"),
    ("g", ["au"], "02 6175 00"),
    ("v", [("u", 1)], "01 75 00 00 01000000"),
    ("v", [("b", False)], "01 62 00 00 00000000"),
    ("au", [[1, 2]], "08000000 01000000 02000000"),
    ("at", [[]], "00000000 00000000"),  # aligned for a first element that is not there
    ("at", [[1]], "08000000 00000000 0100000000000000"),
    ("y(yu)", [1, (2, 3)], "01 00000000000000 02 000000 03000000"),
    ("a(yy)", [[(1, 2), (3, 4)]], "0a000000 00000000 01 02 000000000000 03 04"),
]

# What `busctl call` of systemd 252 sent for StartTransientUnit, but for the flag that lets it ask for a password.
BUSCTL = """
6c0100019800000002000000b600000001016f00190000002f6f72672f667265656465736b746f702f73797374656d643100000000000000
030173001200000053746172745472616e7369656e74556e697400000000000002017300200000006f72672e667265656465736b746f702e
73797374656d64312e4d616e61676572000000000000000006017300180000006f72672e667265656465736b746f702e73797374656d6431
00000000000000000801670010737361287376296128736128737629290000000c0000007768657272792e73636f70650000000004000000
6661696c0000000068000000000000000b0000004465736372697074696f6e0001730000030000006f646400000000000400000050494473
000261750000000004000000921000000800000044656c6567617465000162000100000000000000080000005461736b734d617800017400
ffffffffffffffff0000000000000000
"""
SYSTEMD = ("org.freedesktop.systemd1", "/org/freedesktop/systemd1", "org.freedesktop.systemd1.Manager")
PROPERTIES = [
    ("Description", ("s", "odd")),
    ("PIDs", ("au", [4242])),
    ("Delegate", ("b", True)),
    ("TasksMax", ("t", (1 << 64) - 1)),
]
ARGUMENTS = ["wherry.scope", "fail", PROPERTIES, []]


@pytest.mark.parametrize("signature, given, wanted", CASES)
def test_values_are_written_and_read_as_the_specification_says(signature, given, wanted):
    assert values.encode(signature, given) == bytes.fromhex(wanted)
    assert values.decode(signature, bytes.fromhex(wanted)) == given


def test_a_call_is_byte_for_byte_what_busctl_sends():
    sent = values.call(2, SYSTEMD, "StartTransientUnit", "ssa(sv)a(sa(sv))", ARGUMENTS)
    assert sent == bytes.fromhex(BUSCTL)


def test_a_message_is_read_back():
    data = bytes.fromhex(BUSCTL)
    header, body = values.sizes(data[: values.FIXED])
    assert header + body == len(data)
    kind, fields = values.header(data[:header])
    assert (kind, fields[values.MEMBER], fields[values.PATH]) == (values.CALL, "StartTransientUnit", SYSTEMD[1])
    assert values.decode(fields[values.SIGNATURE], data[header:]) == ARGUMENTS


def test_a_signature_is_cut_into_its_complete_types():
    assert values.types("sa(sv)aau(s(ub))") == ["s", "a(sv)", "aau", "(s(ub))"]


@pytest.mark.parametrize(
    "signature, damaged",
    [
        ("s", "ff000000 61"),
        ("u", "0000"),
        ("s", "01000000 ff 00"),
        ("v", "01 71 00 0000"),
        ("a()", "05000000 00000000 0000000000"),
        ("au", "ffffffff 01000000"),
        ("v", "01 76 00" * 5000),
        ("a", "00000000"),
    ],
)
def test_damage_is_an_error_of_the_protocol(signature, damaged):
    with pytest.raises(ProtocolError):
        values.decode(signature, bytes.fromhex(damaged))


@given(some.text("ybutsogva()", max_size=12), some.binary(max_size=200))
def test_any_bytes_end_in_values_or_that_error(signature, data):
    try:
        values.decode(signature, data)
    except ProtocolError:
        pass


@pytest.mark.parametrize("start", ["42 02 00 01 00000000 01000000 00000000", "6c 02 00 01 ffffff0f 01000000 00000000"])
def test_another_byte_order_and_a_message_without_end_are_refused(start):
    with pytest.raises(ProtocolError):
        values.sizes(bytes.fromhex(start))
