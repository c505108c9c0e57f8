"""A saved image archive on the controller: read once, its layers ready to be sent to hosts that lack them."""

from __future__ import annotations

import base64
import os
import stat
import threading
from collections.abc import Iterator
from typing import Any

from wherry.errors import ArchiveError
from wherry.images import cache, manifest
from wherry.images.encoded import Encoded
from wherry.images.members import GZIP, decompressed

CHUNK = 1 << 20


class Layer:
    """One layer of an archive (the Content protocol): `size` is that of its tar."""

    def __init__(self, path: str, place: manifest.LayerPlace, where: str) -> None:
        self._path, self._place, self._where = path, place, where
        self._encoded = Encoded(self._raw, cache.folder())

    @property
    def diff_id(self) -> str:
        """The digest of its tar."""
        return self._place.diff_id

    @property
    def size(self) -> int:
        """Bytes of its tar."""
        return self._place.size

    def read(self, encoding: str) -> Iterator[bytes]:
        """Its tar, "raw" or "zlib"; compressed once, however many hosts read it."""
        return self._raw() if encoding == "raw" else self._encoded.read()

    def _raw(self) -> Iterator[bytes]:
        return manifest.unpacked(self._path, self._place.member, self._where)


class Archive:
    """The image in a saved archive: `names` as they were saved, `config` its exact bytes."""

    def __init__(self, path: str, contents: manifest.Contents, where: str) -> None:
        self.image_id, self.names = contents.image_id, list(contents.names)
        self.config = contents.config.encode()
        self.layers = [Layer(path, place, where) for place in contents.layers]

    def to_wire(self) -> dict[str, Any]:
        """What a host is told of it: all but the layers' bytes."""
        layers = [{"diff_id": layer.diff_id, "size": layer.size} for layer in self.layers]
        config = base64.b64encode(self.config).decode()
        return {"$archive": {"id": self.image_id, "names": self.names, "config": config, "layers": layers}}


_opened: dict[tuple[str, int, int, int], Archive] = {}
_opening = threading.Lock()


def open(path: str) -> Archive:  # noqa: A001 - reads as archive.open(path)
    """The archive `path`; a file that is as it was last time is not read again. ArchiveError says what is wrong with it."""
    status = _status(path)
    identity = (os.path.abspath(path), status.st_ino, status.st_mtime_ns, status.st_size)
    with _opening:
        if identity not in _opened:
            _opened[identity] = _read(path, status)
        return _opened[identity]


def _read(path: str, status: os.stat_result) -> Archive:
    entry = cache.Entry(path, status)
    known = entry.read()
    if known is None:
        known = _learn(path, entry)
        _require_unchanged(path, status)
        entry.write(*known)
    contents, plain = known
    return Archive(entry.plain if plain else path, contents, where=path)


def _learn(path: str, entry: cache.Entry) -> tuple[manifest.Contents, bool]:
    """What the archive holds, and whether it had to be unpacked into the cache first."""
    start = next(_chunks(path), b"")
    if not start.startswith(GZIP):
        for _ in decompressed(iter([start]), path):  # refuses the compressions that cannot be read
            pass
        return manifest.read(path, path), False
    entry.write_plain(decompressed(_chunks(path), path))
    try:
        return manifest.read(entry.plain, path), True
    except ArchiveError:
        entry.forget()
        raise


def _status(path: str) -> os.stat_result:
    try:
        status = os.stat(path)
    except OSError as error:
        raise ArchiveError(f"cannot be read: {error.strerror}", path) from None
    if not stat.S_ISREG(status.st_mode):
        raise ArchiveError("is not a file", path, "OCI directories cannot be read yet; `docker save` makes a file")
    return status


def _require_unchanged(path: str, before: os.stat_result) -> None:
    now = _status(path)
    if (now.st_ino, now.st_mtime_ns, now.st_size) != (before.st_ino, before.st_mtime_ns, before.st_size):
        raise ArchiveError("was changed while it was read", path, "wait until it is complete, then try again")


def _chunks(path: str) -> Iterator[bytes]:
    with os.fdopen(os.open(path, os.O_RDONLY), "rb") as file:
        while chunk := file.read(CHUNK):
            yield chunk
