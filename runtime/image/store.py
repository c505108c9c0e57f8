"""The images that are here.

    images/images.json           {"images": {ID: {"added": seconds}}, "names": {NAME: ID}}: what exists, in one rename
    images/blobs/sha256/HEX      configurations (later manifests, recipes), by their digest
    images/layers/HEX/tree/      a layer, unpacked once, with overlayfs's own whiteouts; HEX is its diff ID
    images/layers/HEX/layer.json {"size": bytes as tar, "entries", "content": bytes in files}
    images/tmp/, images/lock     staging.py; the lock is held for moments only

`wherry run` passes here: nothing is imported that the start of a container does not need.
"""

from .. import state
from ..errors import Conflict, NotFound, WherryError
from .reference import is_digest, normal

SHORTEST_ID = 2


class Image:
    """One image: `id` is its configuration's digest, `names` are all it goes by, sorted."""

    def __init__(self, store, image_id, names):
        self._store, self.id, self.names = store, image_id, names
        self._config = None

    @property
    def config(self):
        """The configuration, as OCI image-spec has it."""
        if self._config is None:
            self._config = state.read(self._store.blob(self.id))
        return self._config

    @property
    def layers(self):
        """The diff IDs of its layers, the base first."""
        return self.config["rootfs"]["diff_ids"]

    @property
    def size(self):
        """Bytes in its files, layers shared with other images included."""
        return sum(state.read(f"{self._store.layer(each)}/layer.json")["content"] for each in set(self.layers))

    @property
    def created(self):
        """When it was made, as its configuration says; may be empty."""
        return self.config.get("created") or ""


class Store:
    """The images below `dirs.images`.

    users: a function of an image ID, returns texts that say who needs that image ("container web"); removal asks it.
    """

    def __init__(self, dirs, users=None):
        self.path = dirs.images
        self.layers = f"{self.path}/layers"
        self._users = users

    # --- finding --------------------------------------------------------------------------------------------------------

    def images(self):
        """Every image, in the order of their arrival."""
        record = self._record()
        return [Image(self, each, _names_of(record, each)) for each in record["images"]]

    def find(self, ref):
        """The image called `ref`: a name, an ID or the beginning of one; NotFound, Conflict when several begin so."""
        record = self._record()
        image_id = record["names"].get(normal(ref)) or self._by_id(record, ref)
        if image_id is None:
            raise NotFound(f"no image {ref!r} here", hint=_did_you_mean(ref, record))
        return Image(self, image_id, _names_of(record, image_id))

    def _by_id(self, record, ref):
        start = ref if ref.startswith("sha256:") else f"sha256:{ref}"
        found = [each for each in record["images"] if each.startswith(start)] if len(ref) >= SHORTEST_ID else []
        if len(found) > 1:
            raise Conflict(f"{len(found)} images begin with {ref!r}", hint="give more of the ID, or a name")
        return found[0] if found else None

    def has(self, diff_ids):
        """Those of `diff_ids` whose layers are here."""
        return {each for each in diff_ids if state.exists(self.layer(each))}

    def lower_dirs(self, image):
        """The directories of its layers for overlayfs, the topmost first; a layer that comes twice counts once."""
        return [f"{self.layer(each)}/tree" for each in dict.fromkeys(reversed(image.layers))]

    def layer(self, diff_id):
        """The folder of a layer."""
        return f"{self.layers}/{_hex(diff_id)}"

    def blob(self, digest):
        """The file of a blob."""
        return f"{self.path}/blobs/sha256/{_hex(digest)}"

    def _record(self):
        return state.read(f"{self.path}/images.json", missing={"images": {}, "names": {}})

    # --- adding ---------------------------------------------------------------------------------------------------------

    def load(self, source):
        """Put the images of a saved archive (a path or a descriptor) here: the Images; ArchiveError, NoSpace: none is."""
        from . import archive

        return archive.load(self, source)

    def staging(self):
        """A folder for half-made things: a context manager (staging.Staging)."""
        from .staging import Staging

        return Staging(self.path)

    def add(self, config, names, manifest=None):
        """Make the image of `config` (bytes, checked by config.checked) visible under `names`; durable when it returns.

        All its layers must be here. A name that another image has moves to this one.
        """
        image_id = self._write_blob(config)
        if manifest:
            self._write_blob(manifest)
        layers = Image(self, image_id, []).layers
        with state.locked(f"{self.path}/lock"):
            missing = set(layers) - self.has(layers)
            if missing:
                raise NotFound(f"layer {min(missing)} is not here", hint="load the image again")
            record = self._record()
            record["images"].setdefault(image_id, {"added": _now()})
            record["names"].update(dict.fromkeys(map(normal, names), image_id))
            self._write_record(record)
        return Image(self, image_id, _names_of(record, image_id))

    def tag(self, image_id, name):
        """Give the image a name, taking it from another one if need be."""
        from .reference import checked

        name = checked(name)
        with state.locked(f"{self.path}/lock"):
            record = self._record()
            if image_id not in record["images"]:
                raise NotFound(f"no image {image_id} here")
            record["names"][name] = image_id
            self._write_record(record)

    def _write_blob(self, content):
        import hashlib

        digest = f"sha256:{hashlib.sha256(content).hexdigest()}"
        if not state.exists(self.blob(digest)):
            state.ensure_private(f"{self.path}/blobs/sha256")
            state.replace(self.blob(digest), content)
        return digest

    def _write_record(self, record):
        state.write(f"{self.path}/images.json", record)

    # --- removing -------------------------------------------------------------------------------------------------------

    def remove(self, ref, force=False):
        """Take a name away, and with its last name the image: a list of ("untagged", name) and ("deleted", ID).

        Conflict, and nothing changes: a container needs the image; or `ref` is an ID that several names have (`force`
        takes them all).
        """
        with state.locked(f"{self.path}/lock"):
            image = self.find(ref)
            by_name = normal(ref) in image.names
            going = [normal(ref)] if by_name else image.names
            if not by_name and len(going) > 1 and not force:
                raise Conflict(
                    f"{len(going)} names have this image", ref, f"remove them ({', '.join(going)}), or force it"
                )
            last = len(going) == len(image.names)
            if last:
                self._require_unused(image)
            record = self._record()
            for name in going:
                del record["names"][name]
            if last:
                del record["images"][image.id]
            self._write_record(record)
        self.sweep()
        return [("untagged", name) for name in going] + ([("deleted", image.id)] if last else [])

    def _require_unused(self, image):
        users = self._users(image.id) if self._users else []
        if users:
            raise Conflict(
                f"is needed by {', '.join(users)}", image.names[0] if image.names else image.id, "remove that first"
            )

    def sweep(self):
        """Remove the layers and blobs that no image refers to, unless somebody is adding some right now."""
        from . import garbage

        garbage.sweep(self)


def _names_of(record, image_id):
    return sorted(name for name, owner in record["names"].items() if owner == image_id)


def _hex(digest):
    if not is_digest(digest):
        raise WherryError(f"{digest!r} is not a sha256 digest")
    return digest[7:]


def _did_you_mean(ref, record):
    import difflib

    close = difflib.get_close_matches(normal(ref), record["names"], 1)
    return f"did you mean {close[0]!r}?" if close else "`wherry images` lists them, `wherry load` brings one"


def _now():
    import time

    return int(time.time())
