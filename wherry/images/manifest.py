"""What a saved archive says it holds, and whether that is so: manifest.json, configuration, every layer's digest."""

from __future__ import annotations

import hashlib
import json
import posixpath
import re
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from wherry.errors import ArchiveError
from wherry.images.members import Member, Members, decompressed, part_of

MANIFEST = "manifest.json"
LARGEST_JSON = 8 << 20
LARGEST_LAYER = 64 << 30
DIGEST = re.compile(r"sha256:[0-9a-f]{64}")
PART = r"[a-z0-9]+(?:(?:\.|_{1,2}|-+)[a-z0-9]+)*"
NAME = re.compile(
    rf"(?:[A-Za-z0-9][A-Za-z0-9.-]*(?::[0-9]+)?/)?{PART}(?:/{PART})*(?::[A-Za-z0-9_][A-Za-z0-9_.-]{{0,127}})?"
)


@dataclass(frozen=True)
class LayerPlace:
    """A layer's bytes in the archive: `size` is what they are unpacked, `member` where they lie as they were saved."""

    diff_id: str
    size: int
    member: Member


@dataclass(frozen=True)
class Contents:
    """The one image of an archive; `config` is text, exactly as saved."""

    image_id: str
    names: tuple[str, ...]
    config: str
    layers: tuple[LayerPlace, ...]


def read(path: str, where: str) -> Contents:
    """The image in the plain archive `path`, every byte verified; ArchiveError says what is wrong with `where`."""
    members = Members(path, where)
    item = the_item(members)
    config = members.read(item["Config"], LARGEST_JSON)
    digest = hashlib.sha256(config).hexdigest()
    named = posixpath.basename(item["Config"]).split(".")[0]
    if re.fullmatch("[0-9a-f]{64}", named) and named != digest:
        raise ArchiveError(f"the configuration is not what its name says: expected {named}, got {digest}", where)
    diff_ids = layers_of(config, where)
    places = item.get("Layers") or []
    if len(places) != len(diff_ids):
        raise ArchiveError(f"names {len(places)} layers, its configuration {len(diff_ids)}", where)
    layers = tuple(verified(members, name, diff_id) for name, diff_id in zip(places, diff_ids, strict=True))
    return Contents(f"sha256:{digest}", names_of(item, where), config.decode(), layers)


def the_item(members: Members) -> dict[str, Any]:
    """The single item of manifest.json; ArchiveError says what the archive is instead."""
    if MANIFEST not in members:
        raise another_kind(members)
    items = parsed(members.read(MANIFEST, LARGEST_JSON), f"{members.where}: {MANIFEST}")
    if not isinstance(items, list) or not items or not all(map(is_item, items)):
        raise ArchiveError(f"{MANIFEST} does not name an image, its configuration and layers", members.where)
    if len(items) > 1:
        names = ", ".join(ascii((item.get("RepoTags") or ["<none>"])[0]).strip("'") for item in items)
        raise ArchiveError(
            f"holds {len(items)} images ({names})", members.where, "save each image to a file of its own"
        )
    found: dict[str, Any] = items[0]
    return found


def another_kind(members: Members) -> ArchiveError:
    """The error for an archive without manifest.json."""
    names = {name.rstrip("/") for name in members.names}
    if names & {"oci-layout", "index.json"}:
        hint = "`skopeo copy oci-archive:FILE docker-archive:NEW:NAME` converts it"
        return ArchiveError("is an OCI archive, which cannot be read yet", members.where, hint)
    if names & {"etc", "usr", "bin", "etc/passwd", "bin/sh"}:
        hint = "make it an image first: `docker import`, then `docker save`"
        return ArchiveError("is a root file system, not a saved image", members.where, hint)
    return ArchiveError(
        f"is not a saved image: no {MANIFEST}", members.where, "`docker save` and `podman save` make one"
    )


def is_item(item: object) -> bool:
    """Whether an item of manifest.json has the shape that docker gives it."""
    if not isinstance(item, dict) or not isinstance(item.get("Config"), str):
        return False
    lists = [item.get(key) or [] for key in ("Layers", "RepoTags")]
    return all(isinstance(each, list) and all(isinstance(text, str) for text in each) for each in lists)


def names_of(item: dict[str, Any], where: str) -> tuple[str, ...]:
    """The names of the image of an item."""
    names: list[str] = item.get("RepoTags") or []
    for name in names:
        if not NAME.fullmatch(name):
            raise ArchiveError(f"{name!r} cannot name an image", where, "save it under a name like app:1")
    return tuple(names)


def layers_of(config: bytes, where: str) -> list[str]:
    """The diff IDs in a configuration."""
    found = parsed(config, f"{where}: configuration")
    rootfs = found.get("rootfs") if isinstance(found, dict) else None
    diff_ids = rootfs.get("diff_ids") if isinstance(rootfs, dict) else None
    if not isinstance(diff_ids, list) or not all(isinstance(each, str) and DIGEST.fullmatch(each) for each in diff_ids):
        raise ArchiveError("the image's configuration does not name its layers by digest", where)
    return diff_ids


def parsed(content: bytes, where: str) -> Any:
    """The object in JSON bytes; ArchiveError when they are no JSON or say one thing twice."""
    try:
        return json.loads(content, object_pairs_hook=_without_duplicates)
    except RecursionError:
        raise ArchiveError("JSON that is nested too deeply", where) from None
    except ValueError as error:
        raise ArchiveError(f"not usable JSON: {error}", where) from None


def _without_duplicates(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    found = dict(pairs)
    if len(found) < len(pairs):
        raise ValueError("a key occurs twice")
    return found


def verified(members: Members, name: str, diff_id: str) -> LayerPlace:
    """Where the layer lies, its bytes read and found to be `diff_id`."""
    member = members.find(name)
    where = f"{members.where}: layer {name!r}"
    digest, size = hashlib.sha256(), 0
    for chunk in unpacked(members.path, member, where):
        digest.update(chunk)
        size += len(chunk)
        if size > LARGEST_LAYER:
            raise ArchiveError(f"unpacks to more than {LARGEST_LAYER} bytes", where)
    if f"sha256:{digest.hexdigest()}" != diff_id:
        actual = f"expected {diff_id}, got sha256:{digest.hexdigest()}"
        raise ArchiveError(f"the layer's bytes are not what the image names: {actual}", where, "save the image again")
    return LayerPlace(diff_id, size, member)


def unpacked(path: str, member: Member, where: str) -> Iterator[bytes]:
    """A layer's bytes without the compression that they may have been saved with."""
    return decompressed(part_of(path, member, where), where)
