"""Controller files that modules attach: read and hashed once a run, however many hosts get them."""

from __future__ import annotations

import hashlib
import os
import stat
import threading
from collections.abc import MutableMapping
from dataclasses import asdict
from typing import Any

from wherry.connection.content import BytesContent, FileContent
from wherry.errors import WherryError
from wherry.protocols import Blob, Content, Tree, TreeEntry

Contents = MutableMapping[str, Content]
CHUNK = 1 << 20


class Attachments:
    """Digests of files by identity (device, inode, size, mtime); safe for several threads."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._files: dict[tuple[int, ...], Blob] = {}

    def file(self, path: str, contents: Contents) -> Blob:
        """The file as a Blob, its bytes ready in `contents`; WherryError when it cannot be read."""
        try:
            status = os.stat(path)
            if not stat.S_ISREG(status.st_mode):
                raise WherryError("not a file", path, "attach regular files and directories")
            with self._lock:
                blob = self._files.get(identity := _identity(status)) or _hashed(path)
                self._files[identity] = blob
        except OSError as error:
            raise WherryError(f"cannot read: {error.strerror}", path) from None
        contents.setdefault(blob.digest, FileContent(path, blob.size))
        return blob

    def text(self, data: bytes, contents: Contents) -> Blob:
        """Bytes as a Blob."""
        blob = Blob("sha256:" + hashlib.sha256(data).hexdigest(), len(data))
        contents.setdefault(blob.digest, BytesContent(data))
        return blob

    def tree(self, path: str, contents: Contents) -> Tree:
        """All files and directories below a directory, links followed, sorted by path."""
        entries: list[TreeEntry] = []
        for folder, folders, files in os.walk(path, followlinks=True, onerror=_raise):
            if len(os.path.relpath(folder, path).split(os.sep)) > 100:
                raise WherryError("links that lead in a circle", folder)
            for name in folders:
                full = os.path.join(folder, name)
                entries.append(TreeEntry(os.path.relpath(full, path), _mode(full), None))
            for name in files:
                full = os.path.join(folder, name)
                entries.append(TreeEntry(os.path.relpath(full, path), _mode(full), self.file(full, contents)))
        return Tree(tuple(sorted(entries, key=lambda entry: entry.path)))

    def archive(self, path: str, contents: Contents) -> dict[str, Any]:
        """An image archive in wire form, its layers ready in `contents`; ArchiveError for anything else."""
        from wherry.images import archive

        opened = archive.open(path)
        for layer in opened.layers:
            contents.setdefault(layer.diff_id, layer)
        return opened.to_wire()


def to_wire(value: Any) -> Any:
    """An argument as JSON carries it: Blob and Tree become their markers."""
    if isinstance(value, Blob):
        return {"$blob": asdict(value)}
    if isinstance(value, Tree):
        return {"$tree": {"entries": [_row(entry) for entry in value.entries]}}
    if isinstance(value, dict):
        return {str(key): to_wire(each) for key, each in value.items()}
    if isinstance(value, list | tuple):
        return [to_wire(each) for each in value]
    return value


def _row(entry: TreeEntry) -> list[Any]:
    return [entry.path, entry.mode, entry.blob and entry.blob.digest, entry.blob.size if entry.blob else 0]


def _identity(status: os.stat_result) -> tuple[int, ...]:
    return status.st_dev, status.st_ino, status.st_size, status.st_mtime_ns


def _hashed(path: str) -> Blob:
    digest, size = hashlib.sha256(), 0
    with open(path, "rb") as file:
        while chunk := file.read(CHUNK):
            digest.update(chunk)
            size += len(chunk)
    return Blob("sha256:" + digest.hexdigest(), size)


def _mode(path: str) -> int:
    return stat.S_IMODE(os.stat(path).st_mode)


def _raise(error: OSError) -> None:
    raise error
