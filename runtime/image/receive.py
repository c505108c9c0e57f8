"""One layer: hashed here and unpacked by a shut-in child while it arrives, published when it is what its name says."""

import hashlib
import os
import signal

from .. import errors, linux, state
from ..errors import ArchiveError, KernelError
from . import staging, unpack
from .layer import MOST_BYTES, MOST_ENTRIES
from .stream import decoded, write_all

PIPE_BYTES = 1 << 20
F_SETPIPE_SZ = 1031
LONGEST_ANSWER = 1 << 20


class Staged:
    """A layer that is unpacked but not visible: `folder` holds tree/ and the record; `diff_id` is what it really is."""

    def __init__(self, folder, diff_id, size, entries, content, notices):
        self.folder, self.diff_id, self.size = folder, diff_id, size
        self.entries, self.content, self.notices = entries, content, notices

    def require(self, diff_id):
        """ArchiveError unless this is the layer `diff_id`."""
        if self.diff_id != diff_id:
            raise ArchiveError(
                f"the layer's bytes are not what the image names: expected {diff_id}, got {self.diff_id}",
                diff_id[:19],
                "the archive is damaged: save it again",
            )

    def publish(self, store):
        """Make it a layer of the store, durably; another process may have been faster."""
        fd = os.open(f"{self.folder}/tree", os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
        try:
            linux.syncfs(fd)  # content, then names: after a power cut a visible layer is a whole one
        finally:
            os.close(fd)
        try:
            os.rename(self.folder, store.layer(self.diff_id))
        except OSError:
            if not state.exists(store.layer(self.diff_id)):
                raise
        state.sync_dir(store.layers)


def layer(store, diff_id, chunks, encoding="raw"):
    """Put the layer `diff_id` into the store while its bytes arrive; ArchiveError, NoSpace: nothing is left of it.

    chunks: an iterable of bytes, read to its end.  encoding: of the chunks: "raw", "zlib" or "gzip".
    """
    with store.staging() as place:
        staged = stage(store, place.folder("layer"), decoded(chunks, encoding))
        staged.require(diff_id)
        staged.publish(store)
    return staged


def stage(store, folder, chunks):
    """Unpack the tar in `chunks` into `folder`/tree and hash it on the way: what it turned out to be."""
    tree = f"{folder}/tree"
    os.mkdir(tree, 0o755)
    most_bytes, most_entries = limits(store.path)
    pid, sink, answer = unpack.unpack(tree, most_bytes, most_entries)
    try:
        digest, size = feed(sink, chunks)
    except BaseException:
        os.kill(pid, signal.SIGKILL)  # the bytes ended here, by an error or by Ctrl-C: what it has made goes away
        raise
    finally:
        os.close(sink)
        found = ending(pid, answer)
    if "error" in found:
        raise meaning(found["error"], store.path)
    record = {"size": size, "entries": found["entries"], "content": found["content"]}
    state.write(f"{folder}/layer.json", record, durable=False)  # syncfs comes before anybody may see it
    return Staged(folder, digest, size, found["entries"], found["content"], found["notices"])


def limits(images):
    """(bytes, entries) that a layer may have here."""
    free, inodes = staging.room(images)
    return min(MOST_BYTES, free), min(MOST_ENTRIES, inodes or MOST_ENTRIES)


def feed(sink, chunks):
    """Write the chunks to the child and hash them: (digest, bytes). A child that has given up ends it early."""
    import fcntl

    fcntl.fcntl(sink, F_SETPIPE_SZ, PIPE_BYTES)
    digest, size = hashlib.sha256(), 0
    try:
        for chunk in chunks:
            digest.update(chunk)
            size += len(chunk)
            write_all(sink, memoryview(chunk))
    except BrokenPipeError:
        pass  # its answer says why
    return f"sha256:{digest.hexdigest()}", size


def ending(pid, answer):
    """The child's answer, once it has ended."""
    with os.fdopen(answer, "rb") as file:
        text = file.read(LONGEST_ANSWER)
    _, status = os.waitpid(pid, 0)
    if text:
        return state.decode(text.decode())
    error = KernelError(f"the process that unpacks ended without an answer (status {status})")
    return {"error": error.to_json()}


def meaning(error, images):
    """The child's error as one of this process's, with what is free for a full disk."""
    if error["kind"] == "NoSpace":
        return staging.no_space(images, f"{error['what']} at {error['where']}")
    return getattr(errors, error["kind"])(error["what"], error["where"], error["hint"])
