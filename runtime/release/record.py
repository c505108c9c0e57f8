"""Releases that were committed: one numbered file each, the same on every host of the application."""

import posix

from .. import state
from ..errors import NotFound
from .application import Application, names

_SUFFIX = ".json"


def numbers(app):
    """The numbers of the kept releases, the oldest first."""
    stems = [name[: -len(_SUFFIX)] for name in posix.listdir(app.folder) if name.endswith(_SUFFIX)]
    return sorted(int(stem) for stem in stems if stem.isdigit())


def read(app, number):
    """The release with this number; NotFound with the numbers that there are."""
    found = state.read(_path(app, number), missing=None)
    if found is None:
        kept = ", ".join(map(str, numbers(app))) or "none"
        raise NotFound(f"no release {number}", f"application {app.name}", f"kept releases: {kept}")
    return found


def current(app):
    """The release in force, or None."""
    kept = numbers(app)
    return read(app, kept[-1]) if kept else None


def write(app, number, fields):
    """Keep a release for good: from this moment on it is the one in force."""
    state.write(_path(app, number), {**fields, "number": number})


def prune(app, keep):
    """Forget all but the newest `keep` releases (at least one)."""
    for number in numbers(app)[: -max(1, keep)]:
        posix.unlink(_path(app, number))


def keepers_of(dirs, image_id):
    """What kept releases need the image: "release N of APP" of each."""
    kept = [(app, number) for app in (Application(dirs, name) for name in names(dirs)) for number in numbers(app)]
    return [f"release {number} of {app.name}" for app, number in kept if _has(read(app, number), image_id)]


def users_of(containers):
    """A function of an image's id: what on this host needs it, containers and kept releases."""
    return lambda image_id: [*containers.users_of(image_id), *keepers_of(containers.dirs, image_id)]


def _has(release, image_id):
    return any(each.get("image_id") == image_id for each in release.get("containers", []))


def _path(app, number):
    return app.path(f"{int(number)}{_SUFFIX}")
