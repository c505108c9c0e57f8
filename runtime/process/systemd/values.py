"""Values as D-Bus writes them down, and whole messages; D-Bus Specification, "Type System" and "Message Protocol"; pure.

Little-endian only, as are the machines that wherry runs on. A value is what Python has for it (int, bool, str, list); a
struct is a tuple, a variant is (signature, value). Types that wherry has no use for are missing: n q i x d h and {}.
"""

from _struct import pack, pack_into, unpack_from

from ...errors import ProtocolError

CALL, RETURN, ERROR, SIGNAL = 1, 2, 3, 4
PATH, INTERFACE, MEMBER, ERROR_NAME, REPLY_SERIAL, DESTINATION, SIGNATURE = 1, 2, 3, 4, 5, 6, 8
FIXED = 16  # bytes of the header up to and with the length of its fields
LONGEST = 1 << 20
_HEADER = "yyyyuua(yv)"  # endianness, kind, flags, version, size of the body, serial, fields
_LITTLE_ENDIAN, _VERSION = ord("l"), 1
_NUMBERS = {"y": ("<B", 1), "b": ("<I", 4), "u": ("<I", 4), "t": ("<Q", 8)}
_TEXTS = {"s": "u", "o": "u", "g": "y"}  # what their size is written as
_ALIGNMENT = {"b": 4, "u": 4, "t": 8, "s": 4, "o": 4, "a": 4, "(": 8}


def call(serial, target, member, signature="", values=()):
    """The bytes of a call of a method of `target` (destination, path, interface)."""
    destination, path, interface = target
    fields = {PATH: ("o", path), MEMBER: ("s", member), INTERFACE: ("s", interface), DESTINATION: ("s", destination)}
    return message(serial, CALL, fields, signature, values)


def message(serial, kind, fields, signature="", values=()):
    """The bytes of a message; fields: {code: (type, value)}."""
    body = encode(signature, values)
    given = [*fields.items(), *([(SIGNATURE, ("g", signature))] if signature else [])]
    header = encode(_HEADER, (_LITTLE_ENDIAN, kind, 0, _VERSION, len(body), serial, given))
    return header + bytes(-len(header) % 8) + body


def sizes(start):
    """(bytes of the header, bytes of the body) of the message that begins with the FIXED bytes `start`."""
    body, _, fields = unpack_from("<III", start, 4)
    header = FIXED + fields + -fields % 8
    if start[0] != _LITTLE_ENDIAN or header + body > LONGEST:
        raise ProtocolError("a D-Bus message is too long, or none")
    return header, body


def header(data):
    """(kind, {field: value}) of a message's header."""
    _, kind, _, _, _, _, fields = decode(_HEADER, data)
    return kind, {code: value for code, (_, value) in fields}


def encode(signature, values):
    """The bytes of `values`, one for each complete type of `signature`, from a place that is aligned to 8."""
    out = bytearray()
    for kind, value in zip(types(signature), values):
        _write(out, kind, value)
    return bytes(out)


def decode(signature, data):
    """The values in `data`, the opposite of `encode`; ProtocolError when they are not there."""
    try:
        return list(_read_each(types(signature), data, 0)[0])
    except (ValueError, LookupError, RecursionError) as error:
        raise ProtocolError(f"a D-Bus message is damaged: {error!r}") from None


def types(signature):
    """The complete types of a signature: "sa(sv)" is "s" and "a(sv)"."""
    found, depth, start = [], 0, 0
    for end, letter in enumerate(signature, 1):
        depth += (letter == "(") - (letter == ")")
        if depth == 0 and letter != "a":
            found.append(signature[start:end])
            start = end
    if start != len(signature):
        raise ValueError(f"{signature} is no signature")
    return found


def _write(out, kind, value):
    _align(out, kind)
    if kind in _NUMBERS:
        out += pack(_NUMBERS[kind][0], value)
    elif kind in _TEXTS:
        text = value.encode()
        _write(out, _TEXTS[kind], len(text))
        out += text + b"\0"
    elif kind == "v":
        _write(out, "g", value[0])
        _write(out, *value)
    elif kind[0] == "(":
        for part in zip(types(kind[1:-1]), value):
            _write(out, *part)
    else:
        _write_array(out, kind[1:], value)


def _write_array(out, kind, values):
    place = len(out)
    out += bytes(4)
    _align(out, kind)  # the size does not count this
    start = len(out)
    for value in values:
        _write(out, kind, value)
    pack_into("<I", out, place, len(out) - start)


def _align(out, kind):
    out += bytes(-len(out) % _ALIGNMENT.get(kind[0], 1))


def _read(kind, data, place):
    """(value, place behind it)."""
    place += -place % _ALIGNMENT.get(kind[0], 1)
    if kind in _NUMBERS:
        form, size = _NUMBERS[kind]
        (value,) = unpack_from(form, _exactly(data, place, size))
        return bool(value) if kind == "b" else value, place + size
    if kind in _TEXTS:
        size, place = _read(_TEXTS[kind], data, place)
        return _exactly(data, place, size).decode(), place + size + 1
    if kind == "v":
        signature, place = _read("g", data, place)
        value, place = _read(signature, data, place)
        return (signature, value), place
    if kind[0] == "(":
        return _read_each(types(kind[1:-1]), data, place)
    if kind[0] == "a":
        return _read_array(kind[1:], data, place)
    raise ValueError(f"type {kind} is unknown")


def _read_each(kinds, data, place):
    values = []
    for kind in kinds:
        value, place = _read(kind, data, place)
        values.append(value)
    return tuple(values), place


def _read_array(kind, data, place):
    size, place = _read("u", data, place)
    place += -place % _ALIGNMENT.get(kind[0], 1)
    values, end = [], place + size
    while place < end:
        value, behind = _read(kind, data, place)
        if not place < behind <= end:
            raise ValueError("an array does not end with an element")
        values.append(value)
        place = behind
    return values, end


def _exactly(data, place, size):
    part = data[place : place + size]
    if len(part) < size:
        raise ValueError("it is cut")
    return part
