"""Volumes: directories of the host, and named ones below <root>/volumes."""

import posix

from .. import state
from ..errors import NotFound, UsageError
from . import names

OPTIONS = ("ro", "rw", "z", "Z", "cached", "delegated", "consistent", "nocopy")  # docker's; those without use are taken


def parse(text):
    """(source, destination, read-only) of "SOURCE:DESTINATION[:OPTIONS]"; a source without / is a named volume."""
    source, separator, rest = text.partition(":")
    destination, _, options = rest.partition(":")
    wrong = [each for each in options.split(",") if each and each not in OPTIONS]
    if wrong or not separator or not source:
        problem = f"unknown option {wrong[0]!r}" if wrong else "source and destination are needed"
        raise UsageError(
            f"volume {text!r}: {problem}", hint="write it as /host/folder:/folder[:ro] or name:/folder[:ro]"
        )
    if not destination.startswith("/") or destination.rstrip("/") == "":
        raise UsageError(f"volume {text!r}: the place in the container must be an absolute path other than /")
    return (source if source.startswith("/") else names.check(source)), destination, "ro" in options.split(",")


def is_named(source):
    """Whether `source` is the name of a volume, not a path."""
    return not source.startswith("/")


def mounts(dirs, texts):
    """The OCI mounts of volumes given as text; named volumes are made, a missing host folder is an error."""
    return [_mount(dirs, *parse(text)) for text in texts]


def _mount(dirs, source, destination, read_only):
    path = _ensure_named(dirs, source) if is_named(source) else source
    if not state.exists(path):
        raise NotFound("no such file or folder to mount", path, "create it, or use a named volume")
    options = ["rbind", "ro" if read_only else "rw", "rprivate"]
    return {"destination": destination, "type": "bind", "source": path, "options": options}


def _ensure_named(dirs, name):
    path = f"{dirs.volumes}/{name}"
    try:
        posix.mkdir(path, 0o755)  # below a directory of mode 0700: what is inside belongs to the container's users
    except FileExistsError:
        pass
    return path
