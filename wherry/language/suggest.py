"""Did you mean ...?"""

from __future__ import annotations

import difflib
from collections.abc import Iterable


def near(word: str, known: Iterable[str], count: int = 3) -> list[str]:
    """The known words that are most like `word`, the best first."""
    return difflib.get_close_matches(word, sorted({str(each) for each in known}), n=count, cutoff=0.6)


def did_you_mean(word: str, known: Iterable[str], otherwise: str = "") -> str:
    """A hint that names the nearest known words, or `otherwise`."""
    found = near(word, known)
    if not found:
        return otherwise
    return "did you mean " + " or ".join(f"'{each}'" for each in found) + "?"
