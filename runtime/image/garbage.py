"""What nothing refers to: layers and blobs that no image has."""

import os

from .. import state
from . import staging


def sweep(store):
    """Remove what no image refers to; does nothing while another process is adding something."""
    with state.locked(f"{store.path}/lock"):
        if staging.anybody_at_work(store.path):
            return
        layers, blobs = referred(store)
        for path in [*unreferred(store.layers, layers), *unreferred(f"{store.path}/blobs/sha256", blobs)]:
            discard(store, path)


def referred(store):
    """The names below layers/ and blobs/sha256/ that images refer to."""
    layers, blobs = set(), set()
    for image in store.images():
        blobs.add(image.id[7:])
        layers.update(diff_id[7:] for diff_id in image.layers)
    return layers, blobs


def unreferred(folder, needed):
    """The paths in `folder` whose names are not needed."""
    return [f"{folder}/{name}" for name in os.listdir(folder) if name not in needed] if state.exists(folder) else []


def discard(store, path):
    """Remove `path`: out of sight in one step, then for good, so that no half of it is ever taken for a layer."""
    state.ensure_private(f"{store.path}/tmp")
    gone = f"{store.path}/tmp/{os.path.basename(path)}.gone"
    os.rename(path, gone)
    state.remove_tree(gone)
