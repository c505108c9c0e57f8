"""Ranges in the names of hosts: web[01:20], db-[a:f], rack[1:3]-[1:9:2]."""

from __future__ import annotations

import re
import string
from collections.abc import Iterator

from wherry.errors import ProjectError
from wherry.protocols import Place

RANGE = re.compile(r"\[(\w*):(\w+)(?::(\d+))?\]")
MAX_HOSTS = 65536


def expand(name: str, place: Place | None = None) -> list[str]:
    """Every name that one with ranges stands for; the name itself without any."""
    names = list(written_out(name, place)) if "[" in name else [name]
    if len(names) > MAX_HOSTS:
        raise ProjectError(f"'{name}' stands for more than {MAX_HOSTS} hosts", place)
    return names


def written_out(name: str, place: Place | None) -> Iterator[str]:
    """The first range written out, then those in what follows."""
    found = RANGE.search(name)
    if found is None:
        if "[" in name:
            raise ProjectError(f"'{name}' has a range that cannot be read", place, "write web[01:20] or web[a:f]")
        yield name
        return
    for step in steps(found[1] or "0", found[2], int(found[3] or 1), place):
        for rest in expand(name[found.end() :], place):
            yield name[: found.start()] + step + rest


def steps(first: str, last: str, step: int, place: Place | None) -> list[str]:
    """The values of one range, both ends included; leading zeros give the width."""
    if step > 0 and first.isdecimal() and last.isdecimal() and len(first) <= len(last) and len(last) < 7:
        width = len(first) if first.startswith("0") else 0
        values = [str(number).zfill(width) for number in range(int(first), int(last) + 1, step)]
    elif step > 0 and len(first) == len(last) == 1 and {first, last} <= set(string.ascii_letters):
        letters = string.ascii_letters
        values = list(letters[letters.index(first) : letters.index(last) + 1 : step])
    else:
        values = []
    if not values:
        raise ProjectError(
            f"the range [{first}:{last}] is empty or cannot be read", place, "write web[01:20] or web[a:f]"
        )
    return values
