"""Whether to colour, and how. Pure."""

from __future__ import annotations

import os
from collections.abc import Mapping
from typing import IO

COLOURS = {
    "ok": "32",
    "changed": "33",
    "skipped": "36",
    "failed": "31",
    "unreachable": "91",
    "ignored": "36",
    "warning": "35",
}


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
