"""Bytes in order: taken in any size from chunks of any size, compressed or not."""

import os

from ..errors import ArchiveError

CHUNK = 1 << 20
GZIP = b"\x1f\x8b"
UNREADABLE = {b"BZh": "bzip2", b"\xfd7zXZ\0": "xz", b"\x28\xb5\x2f\xfd": "zstd"}


class Stream:
    """What `chunks` yields, as one run of bytes; `position` counts those that were taken."""

    def __init__(self, chunks):
        self._chunks = iter(chunks)
        self._view, self._at, self._end = memoryview(b""), 0, 0
        self._before = 0

    @property
    def position(self):
        """Bytes taken so far."""
        return self._before + self._at

    def take(self, size):
        """The next `size` bytes; fewer only where the stream ends."""
        end = self._at + size
        if end <= self._end:
            piece = bytes(self._view[self._at : end])
            self._at = end
            return piece
        return b"".join(bytes(piece) for piece in self._available(size))

    def pieces(self, size):
        """The next `size` bytes as views, each valid until the next one; ArchiveError where the stream ends before."""
        end = self._at + size
        if end <= self._end:  # nearly always, and much faster than a generator
            piece = self._view[self._at : end]
            self._at = end
            return (piece,)
        return self._pieces_across_chunks(size)

    def _pieces_across_chunks(self, size):
        left = size
        for piece in self._available(size):
            left -= len(piece)
            yield piece
        if left:
            raise ArchiveError(f"truncated: {left} bytes are missing", f"byte {self.position}")

    def skip(self, size):
        """Pass over `size` bytes; ArchiveError where the stream ends before."""
        for _ in self.pieces(size):
            pass

    def rest(self):
        """All that is left, as views, each valid until the next one."""
        return self._available(float("inf"))

    def _available(self, size):
        while size > 0 and (self._at < self._end or self._refill()):
            end = min(self._end, self._at + size)
            piece = self._view[self._at : end]
            self._at = end
            size -= len(piece)
            yield piece

    def _refill(self):
        for chunk in self._chunks:
            if len(chunk):
                self._before += self._end
                self._view, self._at, self._end = memoryview(chunk), 0, len(chunk)
                return True
        return False


def chunks_of(fd):
    """What the descriptor gives until its end; each chunk is overwritten by the next one."""
    buffer = bytearray(CHUNK)
    view = memoryview(buffer)
    while count := os.readv(fd, [buffer]):
        yield view[:count]


def part_of(fd, offset, size):
    """`size` bytes of a file from `offset`; each chunk is overwritten by the next one."""
    buffer = bytearray(CHUNK)
    view = memoryview(buffer)
    end = offset + size
    while offset < end:
        count = os.preadv(fd, [view[: end - offset]], offset)
        if not count:
            raise ArchiveError(f"truncated: {end - offset} bytes are missing", f"byte {offset}")
        yield view[:count]
        offset += count


def write_all(fd, content):
    """Write all of `content`, however little write(2) takes at a time."""
    while len(content):
        content = content[os.write(fd, content) :]


def decoded(chunks, encoding):
    """`chunks` without their encoding: "raw", "zlib" or "gzip"; ArchiveError when they are damaged or end too early."""
    if encoding == "raw":
        yield from chunks
        return
    import zlib

    window = {"zlib": 15, "gzip": 31}[encoding]
    inflater = zlib.decompressobj(window)
    try:
        for chunk in chunks:
            left = chunk
            while len(left):
                if inflater.eof:  # another member: pigz and bgzip write several
                    inflater = zlib.decompressobj(window)
                yield inflater.decompress(left, CHUNK)
                left = inflater.unconsumed_tail or inflater.unused_data
        yield inflater.flush()
    except zlib.error as error:
        raise ArchiveError(f"damaged {encoding} data: {error}") from None
    if not inflater.eof:
        raise ArchiveError(f"truncated: the {encoding} data ends in the middle")


def recognised(chunks):
    """`chunks`, decompressed if they are gzip; ArchiveError naming any other compression."""
    chunks = iter(chunks)
    start = bytes(next(chunks, b""))
    refuse_compression(start)
    whole = _chain(start, chunks)
    return decoded(whole, "gzip") if start.startswith(GZIP) else whole


def refuse_compression(start):
    """ArchiveError when `start` is nothing at all, or the beginning of a compression that cannot be read here."""
    if not start:
        raise ArchiveError("is empty")
    for magic, name in UNREADABLE.items():
        if start.startswith(magic):
            raise ArchiveError(f"compressed with {name}, which cannot be read here", hint=f"unpack it with `{name} -d`")


def _chain(first, rest):
    yield first
    yield from rest
