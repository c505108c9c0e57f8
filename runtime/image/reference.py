"""Names of images: one spelling each, so that `docker.io/library/app`, `localhost/app` and `app` are one image."""

from ..errors import UsageError

DEFAULT_REGISTRIES = ("docker.io/library/", "docker.io/", "localhost/")
LONGEST = 255


def normal(name):
    """`name` as the store keeps it: without a default registry, with a tag."""
    registry = next((each for each in DEFAULT_REGISTRIES if name.startswith(each)), "")
    name = name[len(registry) :]
    return name if ":" in name.rpartition("/")[2] else f"{name}:latest"


def checked(name):
    """The normal form of a name that is about to be given to an image; UsageError for one that docker would refuse."""
    import re  # not on the way of `wherry run`

    part = r"[a-z0-9]+(?:(?:\.|_{1,2}|-+)[a-z0-9]+)*"
    pattern = rf"(?:[A-Za-z0-9][A-Za-z0-9.-]*(?::[0-9]+)?/)?{part}(?:/{part})*:[A-Za-z0-9_][A-Za-z0-9_.-]{{0,127}}"
    found = normal(name)
    if len(found) > LONGEST or not re.fullmatch(pattern, found):
        raise UsageError(
            f"{name!r} cannot name an image", hint="lower case letters, digits, . _ - and / in the name, then :TAG"
        )
    return found


def is_digest(text):
    """Whether `text` is sha256: and 64 hexadecimal digits, safe to build a path from."""
    return (
        isinstance(text, str)
        and len(text) == 71
        and text.startswith("sha256:")
        and not text[7:].strip("0123456789abcdef")
    )
