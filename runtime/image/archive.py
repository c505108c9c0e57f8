"""A saved archive (docker save in its old and new layout, podman save, skopeo's docker-archive) into the store.

Everything that the archive says of itself is checked first, then the layers that the store lacks are unpacked and
verified, and only when all of them are right does anything become visible.
"""

import os
import stat

from ..errors import ArchiveError, NoSpace, NotFound, UsageError
from . import config, reference, staging
from .members import members_of, shown

MANIFEST = "manifest.json"


class Wanted:
    """One image that the manifest names: `layers` are pairs of a diff ID and the member that holds it."""

    def __init__(self, content, names, layers):
        self.content, self.names, self.layers = content, names, layers


def load(store, source):
    """Put every image of the archive `source` (a path or a descriptor) into the store: the Images, or no trace of them."""
    fd, where = opened(source)
    try:
        with store.staging() as place:
            members = members_of(fd, store, place)
            images = [wanted(members, item) for item in manifest_of(members)]
            bring_layers(store, members, images)
            return [store.add(each.content, each.names) for each in images]
    except ArchiveError as error:
        raise ArchiveError(error.what, ": ".join(part for part in (where, error.where) if part), error.hint) from None
    except UsageError as error:
        raise ArchiveError(error.what, where, error.hint) from None
    finally:
        if not isinstance(source, int):
            os.close(fd)


def opened(source):
    """(descriptor, name for messages) of a path or a descriptor."""
    if isinstance(source, int):
        return source, "the archive"
    try:
        fd = os.open(source, os.O_RDONLY | os.O_CLOEXEC)
    except OSError as error:
        raise NotFound(f"cannot read the archive: {error.strerror}", source) from None
    if stat.S_ISDIR(os.fstat(fd).st_mode):
        os.close(fd)
        raise ArchiveError("is a directory, not a saved archive", source, "OCI directories cannot be read yet")
    return fd, source


def manifest_of(members):
    """The items of manifest.json; ArchiveError saying what the archive is instead."""
    if MANIFEST not in members.names:
        raise ArchiveError(*another_kind(members.names))
    items = config.parse(members.document(MANIFEST), MANIFEST)
    if not isinstance(items, list) or not items or not all(map(is_item, items)):
        raise ArchiveError("does not name images, their configurations and layers", MANIFEST)
    return items


def is_item(item):
    """Whether an item of manifest.json has the shape that docker gives it."""
    return (
        isinstance(item, dict)
        and isinstance(item.get("Config"), str)
        and all(isinstance(item.get(key) or [], list) for key in ("Layers", "RepoTags"))
        and all(isinstance(each, str) for key in ("Layers", "RepoTags") for each in item.get(key) or [])
    )


def another_kind(names):
    """(what, where, hint) of the error for an archive without manifest.json."""
    if "oci-layout" in names or "index.json" in names:
        return (
            "is an OCI archive, which cannot be read yet",
            "",
            "`skopeo copy oci-archive:FILE docker-archive:NEW:NAME`",
        )
    if any(name.rstrip("/") in ("etc", "usr", "bin", "etc/passwd", "bin/sh") for name in names):
        return (
            "is a root file system, not a saved image",
            "",
            "make it an image first: `docker import`, then `docker save`",
        )
    return "is not a saved image: it has no manifest.json", "", "`docker save` and `podman save` make one"


def wanted(members, item):
    """The image that an item of the manifest names, everything about it checked but the layers' content."""
    content = members.document(item["Config"])
    require_digest(item["Config"], content)
    diff_ids = config.checked(content, shown(item["Config"]))["rootfs"]["diff_ids"]
    layers = item.get("Layers") or []
    if len(layers) != len(diff_ids):
        raise ArchiveError(f"{len(layers)} layers, but the configuration names {len(diff_ids)}", MANIFEST)
    names = [reference.checked(name) for name in item.get("RepoTags") or []]
    return Wanted(content, names, list(zip(diff_ids, layers)))


def require_digest(name, content):
    """ArchiveError when a configuration's name is a digest, but not its own."""
    import hashlib

    named = os.path.basename(name).split(".")[0]
    actual = hashlib.sha256(content).hexdigest()
    if reference.is_digest(f"sha256:{named}") and named != actual:
        raise ArchiveError(f"the configuration is not what its name says: expected {named}, got {actual}", shown(name))


def bring_layers(store, members, images):
    """Unpack and verify the layers that the store lacks; all of them before the first is visible."""
    pairs = dict(pair for each in images for pair in each.layers)
    here = store.has(pairs)
    missing = {diff_id: member for diff_id, member in pairs.items() if diff_id not in here}
    staging.require_room(store.path, sum(map(members.size, missing.values())))
    staged = {}
    for diff_id, member in missing.items():
        staged[diff_id] = in_layer(diff_id, member, members)
    for each in staged.values():
        each.publish(store)


def in_layer(diff_id, member, members):
    """The unpacked layer of `member`, which must be `diff_id`; errors name the layer."""
    try:
        staged = members.layer(member)
        staged.require(diff_id)
    except (ArchiveError, NoSpace) as error:
        where = ": ".join(part for part in (f"layer {shown(member)[:24]}", error.where) if part)
        raise type(error)(error.what, where, error.hint) from None
    return staged
