"""What was learned of an archive, kept below $XDG_CACHE_HOME/wherry as long as the file stays as it is.

One entry for each path: `HEX.json`, and `HEX.tar` for an archive that came compressed, because only a plain one can be
read from the middle. An entry that cannot be read is made anew.
"""

from __future__ import annotations

import hashlib
import json
import os
from collections.abc import Iterator
from dataclasses import asdict
from typing import Any

from wherry.errors import WherryError
from wherry.images.manifest import Contents, LayerPlace
from wherry.images.members import Member

FORMAT = 1


def folder() -> str:
    """Where entries lie; made when missing."""
    base = os.environ.get("XDG_CACHE_HOME") or os.path.join(os.path.expanduser("~"), ".cache")
    path = os.path.join(base, "wherry", "archives")
    try:
        os.makedirs(path, mode=0o700, exist_ok=True)
    except OSError as error:
        raise WherryError(
            f"cannot make the cache: {error.strerror}", path, "set XDG_CACHE_HOME to a folder of yours"
        ) from None
    return path


class Entry:
    """What is kept of the archive `path`, whose file is now `status`."""

    def __init__(self, path: str, status: os.stat_result) -> None:
        stem = os.path.join(folder(), hashlib.sha256(os.path.abspath(path).encode()).hexdigest())
        self._record, self.plain = f"{stem}.json", f"{stem}.tar"
        self._identity = [FORMAT, status.st_dev, status.st_ino, status.st_mtime_ns, status.st_size]

    def read(self) -> tuple[Contents, bool] | None:
        """What was learned, and whether the bytes are to be read from `plain`; None when the file is another one now."""
        try:
            with open(self._record, encoding="utf-8") as file:
                record = json.load(file)
            if record["identity"] != self._identity or (record["plain"] and not os.path.exists(self.plain)):
                return None
            return _contents(record["contents"]), bool(record["plain"])
        except (OSError, ValueError, KeyError, TypeError):
            return None

    def write(self, contents: Contents, plain: bool) -> None:
        """Keep what was learned."""
        record = {"identity": self._identity, "plain": plain, "contents": asdict(contents)}
        self._replace(self._record, iter([json.dumps(record).encode()]))
        if not plain and os.path.exists(self.plain):
            os.unlink(self.plain)

    def write_plain(self, chunks: Iterator[bytes]) -> None:
        """Keep the archive's unpacked bytes."""
        self._replace(self.plain, chunks)

    def forget(self) -> None:
        """Keep nothing of this archive."""
        for path in (self._record, self.plain):
            if os.path.exists(path):
                os.unlink(path)

    def _replace(self, path: str, chunks: Iterator[bytes]) -> None:
        new = f"{path}.{os.getpid()}.new"
        try:
            with open(new, "wb") as file:
                for chunk in chunks:
                    file.write(chunk)
            os.replace(new, path)
        except OSError as error:
            raise WherryError(
                f"cannot write the cache: {error.strerror}", path, "free space, or set XDG_CACHE_HOME"
            ) from None
        finally:
            if os.path.exists(new):
                os.unlink(new)


def _contents(record: dict[str, Any]) -> Contents:
    layers = [LayerPlace(each["diff_id"], each["size"], Member(**each["member"])) for each in record["layers"]]
    return Contents(record["image_id"], tuple(record["names"]), record["config"], tuple(layers))
