"""Filters: Ansible's beside Jinja's own, with Ansible's results.

choice       default, bool, ternary, mandatory, random, shuffle, type_debug
text         regex_*, quote, comment, split, b64*, to_uuid
collections  combine, flatten, dict2items, union, unique, subelements, zip, product, extract
serial       to_json, from_json, to_yaml, from_yaml and their nice forms
paths        basename, dirname, realpath, splitext, urlsplit
numbers      log, pow, root, human_readable, strftime
hashes       hash, checksum, password_hash
"""

from __future__ import annotations

from collections.abc import Callable
from functools import cache
from typing import Any

from wherry.language.filters import choice, collections, hashes, numbers, paths, serial, text

PARTS = (choice, collections, hashes, numbers, paths, serial, text)


@cache
def table() -> dict[str, Callable[..., Any]]:
    """The filters by name, plain and as ansible.builtin.NAME."""
    found = {name: function for part in PARTS for name, function in part.FILTERS.items()}
    return found | {f"ansible.builtin.{name}": function for name, function in found.items()}


@cache
def names() -> tuple[str, ...]:
    """Every plain name, Jinja's own included."""
    from jinja2.filters import FILTERS

    return tuple(sorted({*FILTERS, *(name for name in table() if "." not in name)}))
