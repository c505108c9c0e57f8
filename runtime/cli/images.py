"""images, rmi, load: the images that are here."""

import posix

from .. import state
from ..container.container import Containers
from ..errors import UsageError, WherryError
from . import table
from .options import FLAG, VALUE, Command, Option

IMAGES = Command(
    "images",
    "[OPTIONS]",
    "List images.",
    (
        Option("-q --quiet", FLAG, "only their ids"),
        Option("--no-trunc", FLAG, "do not shorten"),
        Option("--format", VALUE, "json: one object a line", "FORMAT"),
    ),
    most=0,
)
RMI = Command(
    "rmi",
    "[OPTIONS] IMAGE [IMAGE...]",
    "Remove images.",
    (Option("-f --force", FLAG, "by id: all its names"),),
    least=1,
)
LOAD = Command(
    "load",
    "[OPTIONS]",
    "Load images from an archive that `docker save` wrote.",
    (Option("-i --input", VALUE, "the archive (stdin)", "FILE"), Option("-q --quiet", FLAG, "print nothing")),
    most=0,
)
HEADER = ("REPOSITORY", "TAG", "IMAGE ID", "CREATED", "SIZE")


def images(dirs, words):
    """wherry images"""
    given, _ = IMAGES.parse(words)
    rows = [fields(each, name, given) for each in Containers(dirs).images.images() for name in each.names or [""]]
    if given.get("quiet"):
        output = list(dict.fromkeys(each["ID"] for each in rows))
    elif given.get("format", "table") == "json":
        output = [state.encode(each) for each in rows]
    elif given.get("format", "table") == "table":
        keys = ("Repository", "Tag", "ID", "CreatedSince", "Size")
        output = table.lines(HEADER, [[each[key] for key in keys] for each in rows])
    else:
        raise UsageError(f"--format {given['format']!r} is not supported", hint="use json, or leave it out")
    print("".join(line + "\n" for line in output), end="")
    return 0


def fields(image, name, given):
    """The fields that docker's `images --format json` has, for one name of an image."""
    repository, colon, tag = name.rpartition(":")
    return {
        "Repository": repository if colon else name or "<none>",
        "Tag": tag if colon else "<none>",
        "ID": image.id if given.get("no_trunc") else image.id[7:19],
        "CreatedAt": image.created,
        "CreatedSince": since(image.created),
        "Size": table.size(image.size),
    }


def since(text):
    """How long ago the time in an image's config was; N/A when it has none."""
    import calendar
    import time

    try:
        moment = calendar.timegm(time.strptime(text[:19], "%Y-%m-%dT%H:%M:%S"))
    except ValueError:
        return "N/A"
    return table.ago(moment) + " ago"


def rmi(dirs, words):
    """wherry rmi"""
    import sys

    from ..image.store import Store
    from ..release.record import users_of

    given, refs = RMI.parse(words)
    store, code = Store(dirs, users=users_of(Containers(dirs))), 0
    for ref in refs:
        try:
            for what, name in store.remove(ref, given.get("force", False)):
                print(f"{what.capitalize()}: {name}")
        except WherryError as error:
            print(f"wherry: {error}", file=sys.stderr)
            code = error.exit_code
    return code


def load(dirs, words):
    """wherry load"""
    given, _ = LOAD.parse(words)
    if "input" not in given and posix.isatty(0):
        raise UsageError("nothing to load", hint="give an archive: wherry load -i FILE, or wherry load < FILE")
    for image in Containers(dirs).images.load(given.get("input", 0)):
        if not given.get("quiet"):
            print(
                "".join(f"Loaded image: {name}\n" for name in image.names) or f"Loaded image ID: {image.id}\n", end=""
            )
    return 0
