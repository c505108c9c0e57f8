"""Text that came from hosts, images and containers, made harmless for a terminal or a log; colours. Pure."""

from __future__ import annotations

import os
import unicodedata
from collections.abc import Mapping
from typing import IO, Any

COLOURS = {
    "ok": "32",
    "changed": "33",
    "skipped": "36",
    "failed": "31",
    "unreachable": "91",
    "ignored": "36",
    "warning": "35",
}


def visible(text: str, *, lines: bool = False) -> str:
    """The text with each control or invisible formatting character written out (\\x1b, \\u202e); newlines too unless `lines`."""
    if text.isprintable():
        return text
    return "".join(each if lines and each == "\n" else _shown(each) for each in text)


def _shown(character: str) -> str:
    if character == "\t" or unicodedata.category(character) not in ("Cc", "Cf", "Cs", "Co", "Zl", "Zp"):
        return character
    return character.encode("unicode_escape", "surrogatepass").decode("ascii")


def amount(size: int) -> str:
    """Bytes as people read them: 812 B, 3.4 kB, 12 MB."""
    number = float(size)
    for unit in ("B", "kB", "MB", "GB"):
        if number < 1000 or unit == "GB":
            break
        number /= 1000
    return f"{number:.0f} {unit}" if unit == "B" or number >= 10 else f"{number:.1f} {unit}"


def wants_colour(out: IO[str], environment: Mapping[str, str] = os.environ) -> bool:
    """Whether to colour: on a terminal that can, unless NO_COLOR is set; CLICOLOR_FORCE does it anywhere."""
    if environment.get("NO_COLOR"):
        return False
    if environment.get("CLICOLOR_FORCE", "0") != "0":
        return True
    return out.isatty() and environment.get("TERM") != "dumb"


def painted(text: str, colour: str) -> str:
    """The text in the colour of a status."""
    return f"\x1b[{COLOURS[colour]}m{text}\x1b[0m"


def scrubbed(value: Any) -> Any:
    """A result without what only machines read: tracebacks, diffs, our own error form."""
    if isinstance(value, dict):
        return {key: each for key, each in value.items() if key not in ("exception", "error", "diff", "warnings")}
    return value
