"""Jinja tests: `is changed`, `is version(...)`, `is match(...)`: Ansible's beside Jinja's own."""

from __future__ import annotations

import operator
import os
import re
from collections.abc import Callable, Mapping
from functools import cache
from typing import Any

from wherry.language.source import Sealed
from wherry.language.undefined import Failed, Marker

COMPONENT = re.compile(r"(\d+|[a-z]+|\.)")
SEMVER = re.compile(r"(\d+)\.(\d+)\.(\d+)(?:-([0-9A-Za-z.-]+))?(?:\+[0-9A-Za-z.-]+)?\Z")
OPERATORS: dict[str, Callable[[Any, Any], bool]] = {
    **dict.fromkeys(("==", "=", "eq"), operator.eq),
    **dict.fromkeys(("<", "lt"), operator.lt),
    **dict.fromkeys(("<=", "le"), operator.le),
    **dict.fromkeys((">", "gt"), operator.gt),
    **dict.fromkeys((">=", "ge"), operator.ge),
    **dict.fromkeys(("!=", "<>", "ne"), operator.ne),
}


def defined(value: Any) -> bool:
    """Whether the value is there; a definition that cannot be rendered is no absence."""
    if isinstance(value, Failed):
        raise value.fail()
    return not isinstance(value, Marker)


def undefined(value: Any) -> bool:
    """Whether the value is not there."""
    return not defined(value)


def result(value: Any, test: str) -> Mapping[str, Any]:
    """A registered result, which these tests are about."""
    if isinstance(value, Marker):
        raise value.fail()
    if not isinstance(value, Mapping):
        raise TypeError(f"the test '{test}' is about a registered result, not {type(value).__name__}")
    return value


def failed(value: Any) -> bool:
    """Whether the task of a registered result failed."""
    return bool(result(value, "failed").get("failed", False))


def succeeded(value: Any) -> bool:
    """Whether it did not."""
    return not failed(value)


def changed(value: Any) -> bool:
    """Whether the task of a registered result changed something, in any round of its loop."""
    found = result(value, "changed")
    if "changed" not in found and isinstance(found.get("results"), list):
        return any(each.get("changed", False) for each in found["results"] if isinstance(each, Mapping))
    return bool(found.get("changed", False))


def skipped(value: Any) -> bool:
    """Whether the task of a registered result was skipped."""
    return bool(result(value, "skipped").get("skipped", False))


def unreachable(value: Any) -> bool:
    """Whether the host of a registered result was not reached."""
    return bool(result(value, "unreachable").get("unreachable", False))


def reachable(value: Any) -> bool:
    """Whether it was."""
    return not unreachable(value)


def started(value: Any) -> bool:
    """Whether an asynchronous task was started."""
    return bool(result(value, "started").get("started", False))


def finished(value: Any) -> bool:
    """Whether an asynchronous task is over; one that is not asynchronous always is."""
    return bool(result(value, "finished").get("finished", True))


def timed_out(value: Any) -> bool:
    """Whether a task ran out of time."""
    return bool(result(value, "timedout").get("timedout", False))


def regex(
    value: Any = "", pattern: Any = "", ignorecase: bool = False, multiline: bool = False, match_type: str = "search"
) -> bool:
    """Whether the expression finds something: `search` anywhere, `match` from the beginning, `fullmatch` all of it."""
    flags = (re.IGNORECASE if ignorecase else 0) | (re.MULTILINE if multiline else 0)
    return bool(getattr(re.compile(str(pattern), flags), match_type)(str(value)))


def match(value: Any, pattern: Any = "", ignorecase: bool = False, multiline: bool = False) -> bool:
    """Whether the expression matches from the beginning."""
    return regex(value, pattern, ignorecase, multiline, "match")


def search(value: Any, pattern: Any = "", ignorecase: bool = False, multiline: bool = False) -> bool:
    """Whether the expression matches anywhere."""
    return regex(value, pattern, ignorecase, multiline, "search")


def version(
    value: Any, version: Any, operator: str = "eq", strict: bool | None = None, version_type: str | None = None
) -> bool:
    """Compare two version numbers; version_type loose (default), strict, semver."""
    if operator not in OPERATORS:
        raise ValueError(f"'{operator}' does not compare versions; one of {', '.join(OPERATORS)}")
    if str(value) == "" or str(version) == "":
        raise ValueError("a version is empty")
    kind = version_type or ("strict" if strict else "loose")
    if kind not in PARSERS:
        raise ValueError(f"'{kind}' is not a kind of version; one of {', '.join(PARSERS)}")
    parse = PARSERS[kind]
    return OPERATORS[operator](parse(str(value)), parse(str(version)))


def loose(text: str) -> list[Any]:
    """Numbers and words of a version (distutils' LooseVersion)."""
    parts = [part for part in COMPONENT.split(text) if part and part != "."]
    return [int(part) if part.isdecimal() else part for part in parts]


def semantic(text: str) -> tuple[Any, ...]:
    """A version by semver.org: a pre-release is below its release."""
    found = SEMVER.match(text)
    if found is None:
        raise ValueError(f"'{text}' is not a semantic version")
    numbers = tuple(int(found[index]) for index in (1, 2, 3))
    if not found[4]:
        return (*numbers, 1)
    words = tuple((0, int(word), "") if word.isdecimal() else (1, 0, word) for word in found[4].split("."))
    return (*numbers, 0, words)


PARSERS: dict[str, Callable[[str], Any]] = {"loose": loose, "strict": loose, "semver": semantic, "semantic": semantic}


def truthy(value: Any, convert_bool: bool = False) -> bool:
    """Whether Python takes the value for true; with convert_bool the words yes, on, true too."""
    from wherry.language.filters.choice import to_bool

    if convert_bool and isinstance(value, str):
        return value.lower() in ("y", "t", "1", "yes", "on", "true") and bool(to_bool(value) or value)
    return bool(value)


def falsy(value: Any, convert_bool: bool = False) -> bool:
    """The contrary."""
    return not truthy(value, convert_bool)


def subset(part: Any, whole: Any) -> bool:
    """Whether everything in `part` is in `whole`."""
    return all(each in whole for each in part)


def superset(whole: Any, part: Any) -> bool:
    """Whether everything in `part` is in `whole`."""
    return subset(part, whole)


def contains(whole: Any, member: Any) -> bool:
    """Whether the member is in it."""
    return member in whole


def sealed(value: Any) -> bool:
    """Whether the value is encrypted by vault."""
    return isinstance(value, Sealed)


def not_a_number(value: Any) -> bool:
    """Whether the value is NaN."""
    return isinstance(value, float) and value != value


TESTS: dict[str, Callable[..., Any]] = {
    "defined": defined,
    "undefined": undefined,
    **dict.fromkeys(("failed", "failure"), failed),
    **dict.fromkeys(("succeeded", "success", "successful"), succeeded),
    **dict.fromkeys(("changed", "change"), changed),
    **dict.fromkeys(("skipped", "skip"), skipped),
    "unreachable": unreachable,
    "reachable": reachable,
    "started": started,
    "finished": finished,
    "timedout": timed_out,
    "regex": regex,
    "match": match,
    "search": search,
    **dict.fromkeys(("version", "version_compare"), version),
    "truthy": truthy,
    "falsy": falsy,
    **dict.fromkeys(("subset", "issubset"), subset),
    **dict.fromkeys(("superset", "issuperset"), superset),
    "contains": contains,
    "any": any,
    "all": all,
    "vault_encrypted": sealed,
    **dict.fromkeys(("nan", "isnan"), not_a_number),
    **dict.fromkeys(("exists", "is_exists"), os.path.exists),
    **dict.fromkeys(("file", "is_file"), os.path.isfile),
    **dict.fromkeys(("directory", "is_dir"), os.path.isdir),
    **dict.fromkeys(("link", "is_link"), os.path.islink),
    "link_exists": os.path.lexists,
    **dict.fromkeys(("abs", "is_abs"), os.path.isabs),
    **dict.fromkeys(("mount", "is_mount"), os.path.ismount),
    **dict.fromkeys(("same_file", "is_same_file"), os.path.samefile),
}


@cache
def table() -> dict[str, Callable[..., Any]]:
    """The tests by every name that Ansible knows them by."""
    return TESTS | {f"ansible.builtin.{name}": test for name, test in TESTS.items()}
