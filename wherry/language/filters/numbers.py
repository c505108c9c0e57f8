"""Numbers, sizes, dates."""

from __future__ import annotations

import datetime
import math
import re
import time
from typing import Any

from jinja2 import pass_context
from jinja2.runtime import Context

from wherry.language.functions import scope_of

SIZES = {letter: 1 << (10 * power) for power, letter in enumerate("BKMGTPEZY")}
SIZE = re.compile(r"([0-9]*\.?[0-9]+)(?:\s*([A-Za-z]+))?\s*\Z")
UNIT_NAMES = {False: ("B", "byte"), True: ("b", "bit")}


def logarithm(value: float, base: float = math.e) -> float:
    """The logarithm."""
    return math.log10(value) if base == 10 else math.log(value, base)


def root(value: float, base: float = 2) -> float:
    """The root."""
    return math.sqrt(value) if base == 2 else math.pow(value, 1.0 / float(base))


def human_readable(size: Any, isbits: bool = False, unit: str | None = None) -> str:
    """Bytes with a unit that people read."""
    number = float(size)
    letters = [
        letter for letter in reversed(SIZES) if (unit or "").upper() == letter or (not unit and number >= SIZES[letter])
    ]
    letter = letters[0] if letters else "B"
    base = "bits" if isbits else "Bytes"
    return f"{number / SIZES[letter]:.2f} {base if letter == 'B' else letter + base[0]}"


def human_to_bytes(size: Any, default_unit: str | None = None, isbits: bool = False) -> int:
    """What `10M` or `1.5 GB` is in bytes."""
    found = SIZE.match(str(size))
    if found is None:
        raise ValueError(f"'{size}' is not a size")
    unit = found[2] or default_unit
    if unit is None:
        return round(float(found[1]))
    letter, (symbol, name) = unit[0].upper(), UNIT_NAMES[isbits]
    fits = (
        len(unit) == 1
        or unit[1:] == symbol
        or unit[1:].lower() in (name, name + "s")
        or unit.lower() in (name, name + "s")
    )
    if letter not in SIZES or not fits:
        raise ValueError(f"'{unit}' is not a unit of size")
    return round(float(found[1]) * SIZES[letter])


@pass_context
def strftime(context: Context, form: str, second: Any = None, utc: bool = False) -> str:
    """A time (seconds since the epoch, now without) as text in the format."""
    seconds = scope_of(context).run.templar.outside.now() if second is None else float(second)
    return time.strftime(form, time.gmtime(seconds) if utc else time.localtime(seconds))


def to_datetime(text: str, form: str = "%Y-%m-%d %H:%M:%S") -> datetime.datetime:
    """The moment that a text in the format names."""
    return datetime.datetime.strptime(text, form)


FILTERS: dict[str, Any] = {
    "log": logarithm,
    "pow": math.pow,
    "root": root,
    "human_readable": human_readable,
    "human_to_bytes": human_to_bytes,
    "strftime": strftime,
    "to_datetime": to_datetime,
}
