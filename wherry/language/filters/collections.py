"""Lists and mappings: combine, flatten, dict2items, sets, subelements, products."""

from __future__ import annotations

import itertools
from collections.abc import Callable, Iterable, Mapping
from typing import Any

from jinja2 import filters as jinja
from jinja2 import pass_environment

LIST_MERGES: dict[str, Callable[[list[Any], list[Any]], list[Any]]] = {
    "replace": lambda low, high: high,
    "keep": lambda low, high: low,
    "append": lambda low, high: low + high,
    "prepend": lambda low, high: high + low,
    "append_rp": lambda low, high: [each for each in low if each not in high] + high,
    "prepend_rp": lambda low, high: high + [each for each in low if each not in high],
}


def combine(*terms: Any, recursive: bool = False, list_merge: str = "replace") -> dict[Any, Any]:
    """Mappings as one, the later winning; recursive merges those inside, list_merge says what becomes of lists."""
    if list_merge not in LIST_MERGES:
        raise ValueError(f"'{list_merge}' is not a list_merge; one of {', '.join(LIST_MERGES)}")
    found: dict[Any, Any] = {}
    for mapping in flatten(list(terms), levels=1):
        if not isinstance(mapping, Mapping):
            raise TypeError(f"combine needs mappings, not {type(mapping).__name__}")
        found = merged(found, mapping, recursive, list_merge)
    return found


def merged(low: Mapping[Any, Any], high: Mapping[Any, Any], recursive: bool, list_merge: str) -> dict[Any, Any]:
    """Two mappings as one."""
    found = dict(low)
    for key, value in high.items():
        there = found.get(key)
        if recursive and isinstance(there, Mapping) and isinstance(value, Mapping):
            found[key] = merged(there, value, recursive, list_merge)
        elif isinstance(there, list) and isinstance(value, list):
            found[key] = LIST_MERGES[list_merge](there, value)
        else:
            found[key] = value
    return found


def flatten(value: Iterable[Any], levels: int | None = None, skip_nulls: bool = True) -> list[Any]:
    """Lists in a list as one list, `levels` deep."""
    found: list[Any] = []
    for each in value:
        if skip_nulls and each in (None, "None", "null"):
            continue
        if not isinstance(each, list | tuple):
            found.append(each)
        elif levels is None:
            found += flatten(each, skip_nulls=skip_nulls)
        elif levels >= 1:
            found += flatten(each, levels=int(levels) - 1, skip_nulls=skip_nulls)
        else:
            found.append(each)
    return found


def dict2items(value: Any, key_name: str = "key", value_name: str = "value") -> list[dict[str, Any]]:
    """A mapping as a list of keys and values."""
    if not isinstance(value, Mapping):
        raise TypeError(f"dict2items needs a mapping, not {type(value).__name__}")
    return [{key_name: key, value_name: each} for key, each in value.items()]


def items2dict(value: Any, key_name: str = "key", value_name: str = "value") -> dict[Any, Any]:
    """A list of keys and values as a mapping."""
    if not isinstance(value, list):
        raise TypeError(f"items2dict needs a list, not {type(value).__name__}")
    return {each[key_name]: each[value_name] for each in value}


@pass_environment
def unique(environment: Any, value: Any, case_sensitive: bool | None = None, attribute: Any = None) -> list[Any]:
    """Each member once, the first of equals; texts that differ in case alone are equal unless case_sensitive."""
    try:
        return list(jinja.do_unique(environment, value, bool(case_sensitive), attribute))
    except TypeError:
        return each_once(value)


def each_once(value: Iterable[Any]) -> list[Any]:
    """Each member once; members need not be hashable."""
    try:
        return list(dict.fromkeys(value))
    except TypeError:
        found: list[Any] = []
        for each in value:
            if each not in found:
                found.append(each)
        return found


def union(first: list[Any], second: list[Any]) -> list[Any]:
    """Members of either, each once, in the order of the lists (Ansible: in any order)."""
    return each_once([*first, *second])


def intersect(first: list[Any], second: list[Any]) -> list[Any]:
    """Members of both."""
    return each_once([each for each in first if each in second])


def difference(first: list[Any], second: list[Any]) -> list[Any]:
    """Members of the first that the second does not have."""
    return each_once([each for each in first if each not in second])


def symmetric_difference(first: list[Any], second: list[Any]) -> list[Any]:
    """Members of one of the two."""
    return [*difference(first, second), *difference(second, first)]


def subelements(value: Any, path: Any, skip_missing: bool = False) -> list[Any]:
    """Each member with each of the things in the list that lies below `path` in it."""
    members = list(value.values()) if isinstance(value, Mapping) else list(value)
    names = path if isinstance(path, list) else str(path).split(".")
    return [(member, each) for member in members for each in below(member, names, skip_missing)]


def below(member: Any, names: list[str], skip_missing: bool) -> list[Any]:
    """The list below the names."""
    found = member
    for name in names:
        if skip_missing and isinstance(found, Mapping) and name not in found:
            return []
        if not isinstance(found, Mapping):
            raise TypeError(f"the key {name} should point to a mapping, got {found!r:.60}")
        found = found[name]
    if not isinstance(found, list):
        raise TypeError(f"the key {names[-1]!r} should point to a list, got {found!r:.60}")
    return found


@pass_environment
def extract(environment: Any, item: Any, container: Any, morekeys: Any = None) -> Any:
    """container[item], and further in by morekeys."""
    value = container
    for key in [item, *(morekeys if isinstance(morekeys, list) else [] if morekeys is None else [morekeys])]:
        value = environment.getitem(value, key)
    return value


def rekey_on_member(value: Any, key: str, duplicates: str = "error") -> dict[Any, Any]:
    """Mappings in a mapping or list, by one of their members."""
    found: dict[Any, Any] = {}
    for each in value.values() if isinstance(value, Mapping) else value:
        if each[key] in found and duplicates == "error":
            raise ValueError(f"the key {each[key]} is not unique")
        found[each[key]] = each
    return found


def as_list(function: Callable[..., Iterable[Any]]) -> Callable[..., list[Any]]:
    """A function of itertools that gives a list."""

    def give(*arguments: Any, **options: Any) -> list[Any]:
        return list(function(*arguments, **options))

    return give


FILTERS = {
    "combine": combine,
    "flatten": flatten,
    "dict2items": dict2items,
    "items2dict": items2dict,
    "unique": unique,
    "union": union,
    "intersect": intersect,
    "difference": difference,
    "symmetric_difference": symmetric_difference,
    "subelements": subelements,
    "extract": extract,
    "rekey_on_member": rekey_on_member,
    "product": as_list(itertools.product),
    "permutations": as_list(itertools.permutations),
    "combinations": as_list(itertools.combinations),
    "zip": as_list(zip),
    "zip_longest": as_list(itertools.zip_longest),
}
