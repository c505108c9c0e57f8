"""Where each member of a tar archive lies in its file; nothing is unpacked."""

from __future__ import annotations

import os
import posixpath
import tarfile
import zlib
from collections.abc import Iterator
from dataclasses import dataclass
from typing import BinaryIO

from wherry.errors import ArchiveError

CHUNK = 1 << 20
MOST_MEMBERS = 10_000
MOST_HOPS = 8
GZIP = b"\x1f\x8b"
UNREADABLE = {b"BZh": "bzip2", b"\xfd7zXZ\0": "xz", b"\x28\xb5\x2f\xfd": "zstd"}


@dataclass(frozen=True)
class Member:
    """One member's content: `size` bytes of the archive's file from `offset`."""

    offset: int
    size: int


class Members:
    """The members of the plain archive `path`, by name; links inside the archive are followed.  where: for errors."""

    def __init__(self, path: str, where: str) -> None:
        self.path, self.where = path, where
        self._members: dict[str, Member] = {}
        self._links: dict[str, str] = {}
        try:
            with open(path, "rb") as file:
                self._index(file)
        except (tarfile.TarError, ValueError, OverflowError, EOFError) as error:
            raise ArchiveError(f"is not a readable tar archive: {error}", where, "`docker save` makes one") from None

    def __contains__(self, name: str) -> bool:
        return name in self._members or name in self._links

    @property
    def names(self) -> list[str]:
        """The names of all members."""
        return [*self._members, *self._links]

    def find(self, name: str) -> Member:
        """The member called `name`; ArchiveError when the archive has none."""
        for _ in range(MOST_HOPS):
            if name in self._members:
                return self._members[name]
            if name not in self._links:
                break
            name = self._links[name]
        raise ArchiveError(f"has no usable member {name!r}", self.where, "it is damaged or was cut off: save it again")

    def read(self, name: str, most: int) -> bytes:
        """The content of a member of at most `most` bytes."""
        member = self.find(name)
        if member.size > most:
            raise ArchiveError(f"{member.size} bytes where JSON is expected", f"{self.where}: {name!r}")
        return b"".join(part_of(self.path, member, self.where))

    def _index(self, file: BinaryIO) -> None:
        with tarfile.open(fileobj=file, mode="r:") as tar:
            for count, info in enumerate(tar):
                if count >= MOST_MEMBERS:
                    raise ArchiveError(f"has more than {MOST_MEMBERS} members", self.where, "is it a root file system?")
                self._note(info)
            require_end(file, tar.offset, self.where)

    def _note(self, info: tarfile.TarInfo) -> None:
        name = info.name.removeprefix("./")
        if info.issym():
            self._links[name] = posixpath.normpath(posixpath.join(posixpath.dirname(name), info.linkname))
        elif info.islnk():
            self._links[name] = posixpath.normpath(info.linkname)
        elif info.isreg() and not info.issparse():
            self._members[name] = Member(info.offset_data, info.size)
        else:
            self._members[name] = Member(info.offset_data, 0)


def require_end(file: BinaryIO, offset: int, where: str) -> None:
    """ArchiveError unless nothing but the end marker follows behind the last member, which ends at `offset`."""
    # tarfile stops without a word where a header is damaged or the file is cut off.
    size = os.fstat(file.fileno()).st_size
    if offset > size:
        raise ArchiveError(f"truncated: {offset - size} bytes are missing", where, "save or copy it again")
    file.seek(offset)
    marker = file.read(2 * tarfile.BLOCKSIZE)
    rest = iter(lambda: file.read(CHUNK), b"")
    if marker.strip(b"\0") or any(chunk.strip(b"\0") for chunk in rest):
        raise ArchiveError(
            "is damaged: no tar header where one must be", f"{where}: byte {offset}", "save or copy it again"
        )
    if size - offset < 2 * tarfile.BLOCKSIZE:
        raise ArchiveError("truncated: the end marker is missing", where, "save or copy it again")


def part_of(path: str, member: Member, where: str) -> Iterator[bytes]:
    """A member's bytes; ArchiveError when the file ends before they do."""
    with open(path, "rb") as file:
        file.seek(member.offset)
        left = member.size
        while left:
            chunk = file.read(min(CHUNK, left))
            if not chunk:
                raise ArchiveError(f"truncated: {left} bytes are missing", where, "save or copy it again")
            left -= len(chunk)
            yield chunk


def decompressed(chunks: Iterator[bytes], where: str) -> Iterator[bytes]:
    """`chunks`, unpacked if their content shows that they are gzip; ArchiveError names any other compression."""
    start = next(chunks, b"")
    for magic, name in UNREADABLE.items():
        if start.startswith(magic):
            raise ArchiveError(
                f"is compressed with {name}, which cannot be read yet", where, f"unpack it with `{name} -d`"
            )
    whole = _chain(start, chunks)
    yield from gunzipped(whole, where) if start.startswith(GZIP) else whole


def gunzipped(chunks: Iterator[bytes], where: str) -> Iterator[bytes]:
    """The unpacked bytes of a gzip stream of one or more parts; ArchiveError when it is damaged or ends too early."""
    inflater = zlib.decompressobj(31)
    try:
        for chunk in chunks:
            left = chunk
            while left:
                if inflater.eof:
                    inflater = zlib.decompressobj(31)
                yield inflater.decompress(left, CHUNK)
                left = inflater.unconsumed_tail or inflater.unused_data
        yield inflater.flush()
    except zlib.error as error:
        raise ArchiveError(f"damaged gzip data: {error}", where, "save or copy it again") from None
    if not inflater.eof:
        raise ArchiveError("truncated: the gzip data ends in the middle", where, "save or copy it again")


def _chain(first: bytes, rest: Iterator[bytes]) -> Iterator[bytes]:
    yield first
    yield from rest
