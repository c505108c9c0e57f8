"""What modules see as `host.images`."""

import hashlib

from ..errors import ArchiveError, NoSpace, NotFound
from . import config, receive, staging
from .reference import checked, normal


class Images:
    """The images of this host, for a module.

    pull: a function of a layer's digest, returns an iterator of its bytes from the controller.
    check: change nothing, only say what would change.
    """

    def __init__(self, store, pull, check=False):
        self._store, self._pull, self._check = store, pull, check

    def find(self, name):
        """The Image called `name`; NotFound."""
        return self._store.find(name)

    def ensure(self, archive, name=""):
        """Have the image of `archive` here under its names, and under `name` if given; True when that changed anything.

        Only the layers that are missing are pulled; each is verified and durable before the next, so that a transfer
        that was cut off goes on where it stopped. ArchiveError, NoSpace: no new image is visible.
        """
        names = [checked(each) for each in [*archive.names, *([name] if name else [])]]
        self._require_consistent(archive)
        if self._is_here(archive, names):
            return False
        if not self._check:
            self._bring(archive, names)
        return True

    def missing(self, archive):
        """The sizes in bytes, by digest, of the layers of `archive` that are not here."""
        here = self._store.has(diff_id for diff_id, _ in archive.layers)
        return {diff_id: size for diff_id, size in archive.layers if diff_id not in here}

    def remove(self, name):
        """Take the name away, and the image with its last name; True when there was one. Conflict when it is in use."""
        try:
            found = self._store.find(name)
        except NotFound:
            return False
        if not self._check:
            self._store.remove(normal(name) if normal(name) in found.names else found.id)
        return True

    def _require_consistent(self, archive):
        """ArchiveError unless the archive's description fits itself and this machine; before a byte of it is sent."""
        where = ", ".join(archive.names) or archive.id[:19]
        found = config.checked(archive.config, where)
        digest = f"sha256:{hashlib.sha256(archive.config).hexdigest()}"
        if digest != archive.id:
            raise ArchiveError(f"the configuration is not the image's: expected {archive.id}, got {digest}", where)
        if found["rootfs"]["diff_ids"] != [diff_id for diff_id, _ in archive.layers]:
            raise ArchiveError("the layers are not those that the configuration names", where)

    def _is_here(self, archive, names):
        by_name = {name: image.id for image in self._store.images() for name in [image.id, *image.names]}
        return all(by_name.get(name) == archive.id for name in [archive.id, *names])

    def _bring(self, archive, names):
        with self._store.staging():  # as long as this is held, no sweep takes the layers that are here already
            try:
                self._bring_layers(archive)
                self._store.add(archive.config, names)
                return
            except (ArchiveError, NoSpace) as error:
                failure = error
        self._store.sweep()
        raise failure

    def _bring_layers(self, archive):
        missing = self.missing(archive)
        staging.require_room(self._store.path, sum(missing.values()))
        for diff_id in missing:
            receive.layer(self._store, diff_id, self._pull(diff_id))
