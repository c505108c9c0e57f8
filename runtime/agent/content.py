"""Bytes on their way into a file: from memory, from the controller, from another file of the host."""

import os
from hashlib import sha256

from ..errors import WherryError
from .arguments import Blob

CHUNK = 1 << 20


class Local(Blob):
    """A file of the host itself as content."""

    def __init__(self, path, digest, size):
        super().__init__(digest, size)
        self.path = path


def chunks_of(handle):
    """The content of a descriptor, which is closed at the end."""
    with os.fdopen(handle, "rb", buffering=0) as file:
        while chunk := file.read(CHUNK):
            yield chunk


def through(hashed, chunks):
    """The same chunks, hashed on their way."""
    for chunk in chunks:
        hashed.update(chunk)
        yield chunk


def digest_of(chunks):
    """The digest of the chunks: "sha256:<hex>"."""
    hashed = sha256()
    for chunk in chunks:
        hashed.update(chunk)
    return f"sha256:{hashed.hexdigest()}"


def write_all(handle, chunks):
    """Write the chunks to a descriptor; the number of bytes."""
    size = 0
    for chunk in chunks:
        view = memoryview(chunk)
        size += len(view)
        while view:
            view = view[os.write(handle, view) :]
    return size


def verified(content, blob):
    """The same bytes, if they are what the Blob's digest says."""
    if digest_of([content]) != blob.digest:
        raise damaged(blob)
    return content


def damaged(blob):
    """The error for content that is not what its digest says."""
    what = f"the content that arrived is not what was announced ({blob.digest})"
    return WherryError(what, hint="the controller's file changed meanwhile? run again")


def text_of(content):
    """Content as it is shown in a diff."""
    if b"\0" in content:
        return f"(binary, {len(content)} bytes)\n"
    return content.decode("utf-8", "replace")


def through_file(file):
    """The content of an open file from its beginning, in chunks."""
    file.seek(0)
    return iter(lambda: file.read(CHUNK), b"")
