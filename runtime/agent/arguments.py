"""A task's arguments as a module gets them: markers for content become Blob, Tree and Archive."""

from ..errors import ProtocolError


class Blob:
    """A file's content that the controller holds: `digest` ("sha256:<hex>") and `size`."""

    def __init__(self, digest, size):
        self.digest, self.size = digest, size


class TreeEntry:
    """A file or directory of a Tree: path relative to its root, permission bits, content (None for a directory)."""

    def __init__(self, path, mode, blob):
        self.path, self.mode, self.blob = path, mode, blob


class Tree:
    """A directory of the controller: `entries` sorted by path, so that a directory comes before what is in it."""

    def __init__(self, entries):
        self.entries = entries


class Archive:
    """A saved image: `id`, `names`, `config` (bytes), `layers` [(diff_id, size)]."""

    def __init__(self, identity, names, config, layers):
        self.id, self.names, self.config, self.layers = identity, names, config, layers


def revive(value):
    """The same value with each marker ({"$blob": ...}, {"$tree": ...}, {"$archive": ...}) replaced by its object."""
    if isinstance(value, dict):
        if len(value) == 1:
            (key, inner), *_ = value.items()
            if key in MARKERS:
                return MARKERS[key](inner)
        return {key: revive(inner) for key, inner in value.items()}
    if isinstance(value, list):
        return [revive(inner) for inner in value]
    return value


def blob(fields):
    """The Blob behind a marker."""
    if (
        not isinstance(fields, dict)
        or not isinstance(fields.get("digest"), str)
        or not isinstance(fields.get("size"), int)
    ):
        raise ProtocolError("a blob without digest and size")
    return Blob(fields["digest"], fields["size"])


def tree(fields):
    """The Tree behind a marker; paths that leave the root are refused."""
    entries = []
    for path, mode, digest, size in fields["entries"]:
        if path.startswith("/") or ".." in path.split("/") or "\0" in path:
            raise ProtocolError(f"a tree with the path {path!r}")
        entries.append(TreeEntry(path, mode, None if digest is None else Blob(digest, size)))
    return Tree(sorted(entries, key=lambda entry: entry.path))


def archive(fields):
    """The Archive behind a marker."""
    from base64 import b64decode

    layers = [(layer["diff_id"], layer["size"]) for layer in fields["layers"]]
    return Archive(fields["id"], fields["names"], b64decode(fields["config"]), layers)


MARKERS = {"$blob": blob, "$tree": tree, "$archive": archive}
