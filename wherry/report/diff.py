"""What a change did to a text, as a unified diff. Pure."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from wherry.text import visible

NO_NEWLINE = "\\ No newline at end of file"


def lines(change: dict[str, Any]) -> Iterator[str]:
    """The lines of one entry of a result's `diff` (path, before, after), made harmless, without line ends."""
    import difflib  # only where a diff is asked for

    path = visible(str(change.get("path", "")))
    before, after = _split(change.get("before")), _split(change.get("after"))
    for line in difflib.unified_diff(before, after, f"before: {path}", f"after: {path}"):
        yield visible(line.removesuffix("\n"))
        if not line.endswith("\n") and line[:1] in "+- ":
            yield NO_NEWLINE


def _split(text: Any) -> list[str]:
    return str(text or "").splitlines(keepends=True)
