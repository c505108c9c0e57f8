"""The members of a saved archive, by the way of reading that suits where it comes from.

A plain file is looked through by its headers, and what is asked for is read then. What comes by a pipe or compressed is
read once, in order: small members are kept, and whatever looks like a layer is unpacked on the way.
"""

import os
import stat

from ..errors import ArchiveError
from . import config, receive, tar
from .stream import GZIP, Stream, chunks_of, part_of, recognised, refuse_compression

MOST_MEMBERS = 10_000
MOST_DOCUMENTS = 64 << 20  # bytes of JSON that are kept of an archive read from a pipe
MOST_HOPS = 8  # links to links


def members_of(fd, store, place):
    """The archive's members, by the way of reading that suits the descriptor."""
    if stat.S_ISREG(os.fstat(fd).st_mode):
        start = os.pread(fd, tar.BLOCK, 0)
        refuse_compression(start)
        if tar.looks_like_tar(start):
            return FileMembers(fd, store, place)
    return StreamMembers(recognised(chunks_of(fd)), store, place)


class FileMembers:
    """The members of a plain archive file: found by their headers, read when asked for."""

    def __init__(self, fd, store, place):
        self._fd, self._store, self._place = fd, store, place
        size = os.fstat(fd).st_size
        self._places, self.links, self._staged = {}, {}, {}
        reader = HeaderReader(fd, size)
        for name, entry in walked(reader):
            self._places[name] = (reader.position, entry.size)
            note_link(self.links, name, entry)

    @property
    def names(self):
        """The names of all members."""
        return self._places

    def document(self, name):
        """The content of a small member."""
        offset, size = self._place_of(name)
        if size > config.LARGEST:
            raise ArchiveError(f"{size} bytes where JSON is expected", name)
        return b"".join(bytes(chunk) for chunk in part_of(self._fd, offset, size))

    def layer(self, name):
        """The layer in a member, unpacked and hashed (receive.Staged)."""
        name = followed(self.links, name)
        if name not in self._staged:
            chunks = recognised(part_of(self._fd, *self._place_of(name)))
            self._staged[name] = receive.stage(self._store, self._place.folder(str(len(self._staged))), chunks)
        return self._staged[name]

    def size(self, name):
        """Bytes of a member."""
        return self._place_of(name)[1]

    def _place_of(self, name):
        return found(self._places, followed(self.links, name))


class HeaderReader:
    """A plain archive file as tar.Tar wants its stream, passing over content without reading it."""

    def __init__(self, fd, size):
        self._fd, self._size, self.position = fd, size, 0

    def take(self, size):
        """The next bytes; fewer where the file ends."""
        piece = os.pread(self._fd, size, self.position)
        self.position += len(piece)
        return piece

    def skip(self, size):
        """Go on `size` bytes further on."""
        self.position += size
        if self.position > self._size:
            raise ArchiveError(f"truncated: {self.position - self._size} bytes are missing", f"byte {self._size}")

    def rest(self):
        """What is left, in chunks."""
        return part_of(self._fd, self.position, self._size - self.position)


class StreamMembers:
    """The members of an archive that can be read only once, all taken as they come."""

    def __init__(self, chunks, store, place):
        self._store, self._place = store, place
        self._documents, self.links, self._staged = {}, {}, {}
        self._passed_over, self._kept = set(), 0
        self._stream = Stream(chunks)
        for name, entry in walked(self._stream):
            note_link(self.links, name, entry)
            if entry.kind == tar.FILE:
                self._keep(name, entry)

    @property
    def names(self):
        """The names of all members."""
        return {*self._documents, *self._staged, *self._passed_over}

    def document(self, name):
        """The content of a small member."""
        if name in self._passed_over:
            raise ArchiveError("too large for JSON", shown(name))
        return found(self._documents, followed(self.links, name))

    def layer(self, name):
        """The layer in a member, unpacked and hashed (receive.Staged)."""
        return found(self._staged, followed(self.links, name))

    def size(self, _name):
        """Nothing that is still to come."""
        return 0

    def _keep(self, name, entry):
        start = self._stream.take(min(entry.size, tar.BLOCK))
        content = self._content(start, entry.size)
        if tar.looks_like_tar(start) or start.startswith(GZIP):
            folder = self._place.folder(str(len(self._staged)))
            self._staged[name] = receive.stage(self._store, folder, recognised(content))
        elif entry.size <= config.LARGEST and self._kept < MOST_DOCUMENTS:
            self._kept += entry.size
            self._documents[name] = b"".join(bytes(piece) for piece in content)
        else:
            self._passed_over.add(name)

    def _content(self, start, size):
        yield start
        yield from self._stream.pieces(size - len(start))


def walked(stream):
    """(name, entry) of each member of an outer archive; ArchiveError when it is no archive, cut off or goes on behind its end."""
    reader = tar.Tar(stream)
    for count, entry in enumerate(reader):
        if count >= MOST_MEMBERS:
            raise ArchiveError(f"more than {MOST_MEMBERS} members: a root file system rather than a saved image?")
        name = entry.name.decode("utf-8", "surrogateescape")
        yield name[2:] if name.startswith("./") else name, entry
    if not reader.complete:
        raise ArchiveError("truncated: the end marker is missing", f"byte {stream.position}", "save or copy it again")
    if any(bytes(chunk).strip(b"\0") for chunk in stream.rest()):
        raise ArchiveError("data behind the end of the archive", f"byte {stream.position}")


def note_link(links, name, entry):
    """Remember where a member that is a link points: docker and podman save a layer that comes twice as one."""
    if entry.kind in (tar.SYMLINK, tar.HARD_LINK):
        target = entry.link.decode("utf-8", "surrogateescape")
        base = os.path.dirname(name) if entry.kind == tar.SYMLINK else ""
        links[name] = os.path.normpath(os.path.join(base, target))


def followed(links, name):
    """The member that `name` leads to by links inside the archive."""
    for _ in range(MOST_HOPS):
        if name not in links:
            return name
        name = links[name]
    raise ArchiveError("a link that leads nowhere", shown(name))


def found(members, name):
    """What `members` has as `name`; ArchiveError when there is no such member."""
    if name not in members:
        raise ArchiveError(
            "the archive has no such usable member", shown(name), "it is damaged or was cut off: save it again"
        )
    return members[name]


def shown(name):
    """A member's name for a message."""
    return tar.shown(name.encode("utf-8", "backslashreplace"))
