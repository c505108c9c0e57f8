"""Which container a name or the beginning of an id means: a folder of links NAME -> id, made again after a reboot."""

import posix

from .. import state
from ..errors import Conflict, NotFound, UsageError
from . import names
from . import record as records
from .nearest import hint

SHORTEST_ID = 3


class Index:
    """The names of the containers below `dirs`."""

    def __init__(self, dirs):
        self._dirs = dirs

    def find(self, ref):
        """The id of the container with this name, or whose id alone begins so; NotFound with what may be meant, Conflict."""
        found = self.by_name(ref) or self._by_prefix(ref)
        if found is None:
            raise NotFound(f"no container {ref!r}", hint=hint(ref, posix.listdir(self._folder), "see: wherry ps -a"))
        return found

    def by_name(self, name):
        """The id of the container with this name, or None."""
        try:
            return posix.readlink(f"{self._folder}/{names.check(name)}")
        except (FileNotFoundError, UsageError):
            return None

    def _by_prefix(self, prefix):
        if len(prefix) < SHORTEST_ID:
            return None
        found = [each for each in records.ids(self._dirs) if each.startswith(prefix)]
        if len(found) > 1:
            raise Conflict(f"{len(found)} containers have an id that begins with {prefix!r}", hint="give more of it")
        return found[0] if found else None

    def claim(self, name, container_id):
        """Give the name to a container whose directory is there; Conflict when another one has it."""
        path = f"{self._folder}/{name}"
        while True:
            try:
                return posix.symlink(container_id, path)
            except FileExistsError:
                self._refuse_if_held(name, path)

    def _refuse_if_held(self, name, path):
        """Conflict when a container has the name; a name whose container is gone is taken away."""
        try:
            holder = posix.readlink(path)
            if holder in records.ids(self._dirs):
                remedy = f"remove it (wherry rm {name}) or choose another name"
                raise Conflict(f"the name {name!r} is taken by container {holder[:12]}", hint=remedy)
            posix.unlink(path)
        except FileNotFoundError:
            pass  # it was let go meanwhile

    def release(self, name, container_id):
        """Take the name back from the container."""
        path = f"{self._folder}/{name}"
        try:
            if posix.readlink(path) == container_id:
                posix.unlink(path)
        except FileNotFoundError:
            pass  # the name was never claimed

    @property
    def _folder(self):
        if not state.exists(f"{self._dirs.state}/names"):
            self._rebuild()
        return self._dirs.names

    def _rebuild(self):
        """After a reboot: the names of the containers that are on disk, complete before anybody sees them."""
        with state.locked(f"{self._dirs.locks}/names-index"):
            folder = f"{self._dirs.state}/names"
            if state.exists(folder):
                return
            state.remove_tree(f"{folder}.new")
            state.ensure_private(f"{folder}.new")
            for each in posix.listdir(self._dirs.containers):
                fields = state.read(f"{self._dirs.containers}/{each}/record.json", missing=None)
                if fields:
                    posix.symlink(each, f"{folder}.new/{fields['name']}")
            posix.rename(f"{folder}.new", folder)
