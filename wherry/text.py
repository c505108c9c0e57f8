"""Text for people: what hosts, images and containers said, made harmless for a terminal or a log; amounts. Pure."""

from __future__ import annotations

import unicodedata


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
