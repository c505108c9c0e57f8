"""The items that each with_NAME makes of its value: pure."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from itertools import product, zip_longest
from typing import Any


def flattened(value: Any) -> list[Any]:
    """Lists in lists as one list, however deep."""
    return [each for item in value for each in flattened(item)] if isinstance(value, list) else [value]


def one_level(value: Any) -> list[Any]:
    """with_items: a list whose members that are lists give theirs; anything else is one item."""
    if not isinstance(value, list):
        return [] if value is None else [value]
    return [each for item in value for each in (item if isinstance(item, list) else [item])]


def pairs(value: Any) -> list[Any]:
    """with_dict: key and value of each entry."""
    mappings = value if isinstance(value, list) else [value]
    found = []
    for mapping in mappings:
        if not isinstance(mapping, Mapping):
            raise TypeError("needs a mapping")
        found += [{"key": key, "value": each} for key, each in mapping.items()]
    return found


def nested(value: Any) -> list[Any]:
    """with_nested: every combination, one of each list."""
    lists = [one_level(each) if isinstance(each, list) else [each] for each in value]
    return [flattened_once(each) for each in product(*lists)]


def flattened_once(values: tuple[Any, ...]) -> list[Any]:
    """Members that are lists give theirs."""
    return one_level(list(values))


def together(value: Any) -> list[Any]:
    """with_together: the first of each list, then the second; short lists are filled with None."""
    return [list(each) for each in zip_longest(*(each if isinstance(each, list) else [each] for each in value))]


def indexed(value: Any) -> list[Any]:
    """with_indexed_items: position and item."""
    return [[index, item] for index, item in enumerate(one_level(value))]


def subelements(value: Any) -> list[Any]:
    """with_subelements: each member, without the list below one of its keys, with each of the things in that list."""
    options = value[2] if len(value) > 2 else {}
    members = list(value[0].values()) if isinstance(value[0], Mapping) else value[0]
    skip = str(options.get("skip_missing", False)).lower() in ("true", "yes", "1")
    return [
        [rest, each]
        for member in members
        for rest, found in [apart(member, value[1].split("."), skip)]
        for each in found
    ]


def apart(member: Any, names: list[str], skip: bool) -> tuple[Any, list[Any]]:
    """A member without the list that lies below the names, and that list."""
    if not isinstance(member, Mapping):
        raise TypeError(f"subelements needs mappings, not {member!r:.60}")
    name, *further = names
    if name not in member:
        if skip:
            return member, []
        raise KeyError(f"there is no '{name}' in {member!r:.60}")
    if further:
        rest, found = apart(member[name], further, skip)
        return {**member, name: rest}, found
    if not isinstance(member[name], list):
        raise TypeError(f"'{name}' is not a list")
    return {key: each for key, each in member.items() if key != name}, member[name]


def whole_list(value: Any) -> list[Any]:
    """with_list: as it is."""
    if not isinstance(value, list):
        raise TypeError("needs a list")
    return value


def sequence(value: Any) -> list[Any]:
    """with_sequence: numbers as text."""
    found: list[Any] = []
    for term in value if isinstance(value, list) else [value]:
        found += numbers(term if isinstance(term, dict) else words(str(term)))
    return found


def words(term: str) -> dict[str, Any]:
    """`start=1 end=5 format=web%02d`, or the short form `1-5/2:web%02d`."""
    if "=" in term:
        return dict(word.split("=", 1) for word in term.split())
    short = re.fullmatch(r"(?:(\w+)-)?(\w+)(?:/(-?\w+))?(?::(.+))?", term.strip())
    if short is None:
        raise ValueError(f"cannot read '{term}'; write start=1 end=5")
    start, end, stride, form = short.groups()
    return {"start": start or 1, "end": end, "stride": stride or 1, "format": form or "%d"}


def numbers(options: Mapping[str, Any]) -> list[Any]:
    """The numbers that the options name, bounded."""
    start, stride = int(str(options.get("start", 1)), 0), int(str(options.get("stride", 1)), 0)
    if "count" in options:
        count = int(str(options["count"]), 0)
        end = start + (count - 1) * stride if count else start - 1
    elif "end" in options:
        end = int(str(options["end"]), 0)
    else:
        raise ValueError("needs end= or count=")
    if stride == 0:
        raise ValueError("stride is 0")
    found = range(start, end + (1 if stride > 0 else -1), stride)
    if len(found) > 100_000:
        raise ValueError("more than 100000 items")
    return [str(options.get("format", "%d")) % number for number in found]


FORMS: dict[str, Callable[[Any], list[Any]]] = {
    "items": one_level,
    "list": whole_list,
    "flattened": flattened,
    "dict": pairs,
    "nested": nested,
    "together": together,
    "indexed_items": indexed,
    "subelements": subelements,
    "sequence": sequence,
}
