"""Bytes that a session can send: of a file, or in memory (the Content protocol)."""

from __future__ import annotations

import hashlib
import os
import zlib
from collections.abc import Iterator
from dataclasses import dataclass

CHUNK = 256 << 10


@dataclass(frozen=True)
class BytesContent:
    """Bytes in memory."""

    data: bytes

    @property
    def size(self) -> int:
        """Bytes before encoding."""
        return len(self.data)

    @property
    def digest(self) -> str:
        """Their name on the wire."""
        return "sha256:" + hashlib.sha256(self.data).hexdigest()

    def read(self, encoding: str) -> Iterator[bytes]:
        """The bytes, "raw" or "zlib"."""
        return encoded(iter((self.data,)), encoding)


@dataclass(frozen=True)
class FileContent:
    """A file's bytes, read when they are asked for; `size` as it was when the file was attached."""

    path: str
    size: int

    @classmethod
    def of(cls, path: str) -> FileContent:
        """The content of a file as it is now."""
        return cls(path, os.stat(path).st_size)

    def read(self, encoding: str) -> Iterator[bytes]:
        """The bytes, "raw" or "zlib"."""
        return encoded(self._chunks(), encoding)

    def _chunks(self) -> Iterator[bytes]:
        with open(self.path, "rb") as file:
            while chunk := file.read(CHUNK):
                yield chunk


def encoded(chunks: Iterator[bytes], encoding: str) -> Iterator[bytes]:
    """The chunks in an encoding."""
    if encoding == "raw":
        yield from chunks
        return
    packer = zlib.compressobj(6)
    for chunk in chunks:
        yield packer.compress(chunk)
    yield packer.flush()
