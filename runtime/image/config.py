"""An image's configuration (OCI image-spec config.md): checked before anything else is believed."""

import json
import os

from ..errors import ArchiveError
from .reference import is_digest
from .tar import shown

LARGEST = 8 << 20
MOST_LAYERS = 500  # overlayfs takes no more
ARCHITECTURES = {
    "x86_64": "amd64", "aarch64": "arm64", "armv7l": "arm", "armv6l": "arm", "i686": "386", "i386": "386",
    "ppc64le": "ppc64le", "s390x": "s390x", "riscv64": "riscv64", "loongarch64": "loong64",
}  # fmt: skip


def parse(content, where):
    """The object in JSON bytes from an archive; ArchiveError when it is too large, no JSON, or says one thing twice."""
    if len(content) > LARGEST:
        raise ArchiveError(f"{len(content)} bytes of JSON; the limit is {LARGEST}", where)
    try:
        return json.loads(content, object_pairs_hook=without_duplicates, parse_constant=refuse_constant)
    except RecursionError:
        raise ArchiveError("JSON that is nested too deeply", where) from None
    except ValueError as error:  # UnicodeDecodeError and JSONDecodeError are
        raise ArchiveError(f"not usable JSON: {error}", where) from None


def without_duplicates(pairs):
    """The pairs as a dict; ValueError when a key comes twice, because readers differ in which one they take."""
    found = dict(pairs)
    if len(found) < len(pairs):
        raise ValueError("a key occurs twice")
    return found


def refuse_constant(name):
    """ValueError: NaN and Infinity are not JSON."""
    raise ValueError(f"{name} is not JSON")


def checked(content, where="image configuration"):
    """The configuration in `content`: its layers are digests and it is for this machine; ArchiveError otherwise."""
    config = parse(content, where)
    rootfs = config.get("rootfs") if isinstance(config, dict) else None
    layers = rootfs.get("diff_ids") if isinstance(rootfs, dict) else None
    if not isinstance(layers, list) or not isinstance(config.get("config") or {}, dict):
        raise ArchiveError("is not an image configuration: it names no layers", where)
    for diff_id in layers:
        if not is_digest(diff_id):
            raise ArchiveError(f"{str(diff_id)[:80]!r} is not a layer's digest", where)
    if len(layers) > MOST_LAYERS:
        raise ArchiveError(f"{len(layers)} layers; overlayfs stacks at most {MOST_LAYERS}", where)
    require_platform(config, where)
    return config


def require_platform(config, where):
    """ArchiveError when the image is for another kind of machine."""
    machine = os.uname().machine
    here = ARCHITECTURES.get(machine, machine)
    system, architecture = config.get("os") or "linux", config.get("architecture") or here
    if (system, architecture) != ("linux", here):
        other = shown(f"{system}/{architecture}".encode("utf-8", "backslashreplace"), 80)
        raise ArchiveError(
            f"the image is for {other}, this machine is linux/{here}",
            where,
            f"save it on or for linux/{here} (`docker build --platform linux/{here}`)",
        )
