"""The process that unpacks a layer: shut into the layer's own directory, importing nothing any more.

`unpack` forks; the child `enter`s (own mount namespace, chroot) and lets layer.Layer make the entries of the tar stream
below its root. What went wrong comes back as data, never as a traceback.
"""

import os
import sys

from .. import linux, state
from ..errors import KernelError, WherryError
from .layer import Layer
from .stream import Stream, chunks_of


def unpack(tree, most_bytes, most_entries):
    """Start unpacking a tar stream into the empty directory `tree`: (pid, descriptor to write to, descriptor of the answer).

    The answer is JSON, there once the process ends: {"entries", "content", "notices"} or {"error": ..., as errors.to_json}.
    """
    source, sink = os.pipe()
    answer, answering = os.pipe()
    pid = os.fork()
    if pid == 0:
        try:
            serve(source, answering, tree, most_bytes, most_entries)
        finally:
            os._exit(0)  # whatever happens, this copy of the caller must not go on as the caller
    os.close(source)
    os.close(answering)
    return pid, sink, answer


def serve(source, answering, tree, most_bytes, most_entries):
    """Unpack what `source` gives and write the answer: the whole life of the child."""
    try:
        enter(tree, keep=(source, answering))
        layer = Layer(most_bytes, most_entries)
        found = layer.unpack(Stream(chunks_of(source)))
    except WherryError as error:
        found = {"error": error.to_json()}
    except OSError as error:
        found = {"error": KernelError(f"cannot unpack here: {error.strerror}", os.fsdecode(tree)).to_json()}
    os.write(answering, state.encode(found).encode())


def enter(tree, keep):
    """Make `tree` all that this process can reach, keeping two descriptors."""
    # Still the caller's root directory and descriptors; the last moment at which an import would be ours.
    for each in (sys.path, sys.meta_path, sys.path_hooks):
        each[:] = []
    sys.path_importer_cache.clear()
    first, second = sorted(keep)
    for low, high in ((3, first - 1), (first + 1, second - 1), (second + 1, 0xFFFFFFFF)):
        if low <= high:
            linux.close_range(low, high)
    linux.unshare(linux.CLONE_NEWNS)
    linux.mount("none", "/", None, linux.MS_REC | linux.MS_PRIVATE)
    # Root in a mount namespace of its own: nothing outside `tree` has a name or a descriptor here from now on.
    os.chroot(tree)
    os.chdir("/")
    os.umask(0)
