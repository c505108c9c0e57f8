"""Headers of a tar stream: ustar, GNU long names and base-256 numbers, pax records with extended attributes.

Sources: tar(5), POSIX.1-2017 pax "ustar interchange format". Names and link targets are bytes and unjudged here.
"""

from functools import lru_cache
from struct import Struct

from ..errors import ArchiveError

BLOCK = 512
LONGEST_EXTENSION = 1 << 20  # bytes of a long name or of all pax records of one entry
LARGEST_FILE = 1 << 43
OLDEST, NEWEST = -(1 << 34), 1 << 34  # seconds: what ext4 can hold, and more
NOBODY = 0xFFFFFFFF  # chown(2) takes it for "leave as it is"
ZEROS = bytes(BLOCK)

FILE, HARD_LINK, SYMLINK, CHARACTER, BLOCK_DEVICE, DIRECTORY, FIFO = (
    "file",
    "hard link",
    "link",
    "char",
    "block",
    "dir",
    "fifo",
)
KINDS = {b"0": FILE, b"\0": FILE, b"7": FILE, b"1": HARD_LINK, b"2": SYMLINK, b"3": CHARACTER, b"4": BLOCK_DEVICE,
         b"5": DIRECTORY, b"6": FIFO}  # fmt: skip
XATTR = b"SCHILY.xattr."

_HEADER = Struct("100s8s8s8s12s12s8s1s100s8s32s32s8s8s155s12x")


class Entry:
    """One member: `mtime` in nanoseconds, `link` the target of a link, `xattrs` by name, `size` of what follows."""

    __slots__ = ("gid", "kind", "link", "mode", "mtime", "name", "size", "uid", "xattrs")

    def __init__(self, name, kind, mode, uid, gid, size, mtime, link, xattrs):
        self.name, self.kind, self.mode, self.uid, self.gid = name, kind, mode, uid, gid
        self.size, self.mtime, self.link, self.xattrs = size, mtime, link, xattrs


class Tar:
    """The entries of a stream, in order; `complete` once the end marker was seen.

    While an entry is at hand, the stream stands at its content; the content may be taken, whole, in part or not at all.
    """

    def __init__(self, stream):
        self.stream, self.complete = stream, False

    def __iter__(self):
        stream = self.stream
        while (header := self._header()) is not None:
            entry = self._entry(header)
            end = stream.position + entry.size + -entry.size % BLOCK
            yield entry
            stream.skip(end - stream.position)

    def _header(self):
        """The next header block; None at the end, be it marked or not."""
        block = self.stream.take(BLOCK)
        if len(block) < BLOCK:
            if block:
                raise ArchiveError("truncated: the stream ends in a header", f"byte {self.stream.position}")
            return None
        if block != ZEROS:
            return block
        second = self.stream.take(BLOCK)
        if second not in (ZEROS, b""):
            raise ArchiveError("data after an end marker", f"byte {self.stream.position}")
        self.complete = second == ZEROS
        return None

    def _entry(self, header):
        """The entry of `header`, after the extensions that may stand before it."""
        pax, long_name, long_link = {}, None, None
        while True:
            fields = parse(header, self.stream.position)
            kind = fields[7]
            if kind == b"x":
                pax.update(pax_records(self._extension(fields)))
            elif kind == b"g":
                pax_records(self._extension(fields))  # of the archive as a whole: checked, and as docker does, not used
            elif kind == b"L":
                long_name = self._extension(fields).split(b"\0", 1)[0]
            elif kind == b"K":
                long_link = self._extension(fields).split(b"\0", 1)[0]
            else:
                return entry(fields, pax, long_name, long_link)
            header = self._header()
            if header is None:
                raise ArchiveError("truncated: the entry behind an extended header is missing")

    def _extension(self, fields):
        size = number(fields[4], "size")
        if not 0 <= size <= LONGEST_EXTENSION:
            raise ArchiveError(f"an extended header of {size} bytes; the limit is {LONGEST_EXTENSION}")
        data = self.stream.take(size)
        self.stream.skip(-size % BLOCK)
        if len(data) < size:
            raise ArchiveError("truncated: the stream ends in an extended header")
        return data


def parse(header, position=0):
    """The fields of a header block (ustar order); ArchiveError when its checksum is wrong."""
    fields = _HEADER.unpack(header)
    try:
        stored = number(fields[6], "checksum")
    except ArchiveError:
        stored = None
    if stored != sum(header) - sum(header[148:156]) + 256:
        what = "is not a tar archive" if position <= BLOCK else "not a tar header where one must be"
        raise ArchiveError(what, f"byte {max(0, position - BLOCK)}", "save or copy it again")
    return fields


def looks_like_tar(start):
    """Whether `start` begins with a tar header or with the end marker of an empty archive."""
    block = start[:BLOCK]
    if len(block) < BLOCK:
        return False
    try:
        return block == ZEROS or bool(parse(block))
    except ArchiveError:
        return False


def entry(fields, pax, long_name, long_link):
    """The Entry that header fields, pax records and GNU long names describe together."""
    name = pax.get(b"path", long_name)
    if name is None:
        name = text(fields[0])
        prefix = text(fields[14])
        if prefix and fields[9] == b"ustar\x0000":  # GNU's magic has other things there
            name = prefix + b"/" + name
    link = pax.get(b"linkpath", long_link)
    kind = kind_of(fields, name, pax)
    return Entry(
        name,
        kind,
        number(fields[1], "mode") & 0o7777,
        owner(pax.get(b"uid"), fields[2], name),
        owner(pax.get(b"gid"), fields[3], name),
        size_of(pax.get(b"size"), fields[4], name) if kind == FILE else 0,
        mtime_of(pax.get(b"mtime"), fields[5], name),
        text(fields[8]) if link is None else link,
        {key[len(XATTR) :]: value for key, value in pax.items() if key.startswith(XATTR)} if pax else {},
    )


def kind_of(fields, name, pax):
    """The kind of an entry; ArchiveError for those that no layer may hold."""
    flag = fields[7]
    if flag == b"S" or (pax and any(key.startswith(b"GNU.sparse.") for key in pax)):
        raise ArchiveError("a sparse file, which is not supported", shown(name))
    kind = KINDS.get(flag)
    if kind is None:
        raise ArchiveError(f"an entry of unknown kind {flag!r}", shown(name))
    return DIRECTORY if kind == FILE and name.endswith(b"/") else kind


def owner(override, field, name):
    """A user or group number that chown takes as it is."""
    found = number(field, "owner") if override is None else decimal(override, "owner")
    if not 0 <= found < NOBODY:
        raise ArchiveError(f"owner {found} is not a user or group number", shown(name))
    return found


def size_of(override, field, name):
    """Bytes of content."""
    found = number(field, "size") if override is None else decimal(override, "size")
    if not 0 <= found <= LARGEST_FILE:
        raise ArchiveError(f"a size of {found} bytes", shown(name))
    return found


def mtime_of(override, field, name):
    """Nanoseconds since the epoch."""
    if override is None:
        seconds, fraction = number(field, "time"), 0
    else:
        whole, _, digits = override.partition(b".")
        seconds, fraction = decimal(whole, "time"), decimal(digits[:9].ljust(9, b"0"), "time")
        fraction = -fraction if whole.startswith(b"-") else fraction
    if not OLDEST <= seconds <= NEWEST:
        raise ArchiveError(f"a time of {seconds} seconds", shown(name))
    return seconds * 1_000_000_000 + fraction


@lru_cache(maxsize=4096)  # owners, modes and times repeat
def number(field, what):
    """A number of a header: octal digits, or base-256 when the first bit is set."""
    if not field[-1] & 0xDF:  # nearly always: digits, then a NUL or a blank
        try:
            return int(field[:-1], 8)
        except ValueError:
            pass
    if field[0] & 0x80:
        if field[0] == 0xFF:
            return int.from_bytes(field, "big", signed=True)
        return int.from_bytes(field, "big") & ~(0x80 << 8 * (len(field) - 1))
    digits = field.partition(b"\0")[0].strip()
    try:
        return int(digits, 8) if digits else 0
    except ValueError:
        raise ArchiveError(f"{digits!r} is not a number ({what})") from None


def decimal(digits, what):
    """A number of a pax record."""
    try:
        return int(digits[:24])
    except ValueError:
        raise ArchiveError(f"{digits[:24]!r} is not a number ({what})") from None


def pax_records(data):
    """The records of a pax header, keys and values as bytes."""
    records, at = {}, 0
    while at < len(data):
        length, blank, _ = data[at : at + 24].partition(b" ")
        size = decimal(length, "pax record") if blank and length.isdigit() else 0
        record = data[at + len(length) + 1 : at + size]
        key, equals, value = record[:-1].partition(b"=")
        if not equals or not key or b"\0" in key or record[-1:] != b"\n" or at + size > len(data):
            raise ArchiveError(f"a damaged pax record: {shown(data[at : at + 60])}")
        records[key] = value
        at += size
    return records


def text(field):
    """A field up to its first NUL."""
    return field.partition(b"\0")[0]


def shown(name, longest=200):
    """`name` (bytes) for a message: printable on any terminal, in one line."""
    decoded = name.decode("utf-8", "backslashreplace")
    visible = "".join(each if each.isprintable() else escaped(each) for each in decoded)
    return visible if len(visible) <= longest else visible[:longest] + "..."


def escaped(character):
    """A character as in a Python literal, without the codec for it: an unpacking process imports nothing any more."""
    code = ord(character)
    return f"\\x{code:02x}" if code < 0x100 else f"\\u{code:04x}" if code < 0x10000 else f"\\U{code:08x}"
