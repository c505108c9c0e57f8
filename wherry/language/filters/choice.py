"""default, bool, ternary, mandatory, random, shuffle, type_debug."""

from __future__ import annotations

import datetime
import random as random_
from typing import Any

from jinja2 import pass_context
from jinja2.runtime import Context

from wherry.errors import UndefinedVariable
from wherry.language.functions import scope_of
from wherry.language.undefined import Failed, Marker

NAMES = ((bool, "bool"), (str, "str"), (dict, "dict"), (list, "list"), (int, "int"), (float, "float"))


def default(value: Any, default_value: Any = "", boolean: bool = False) -> Any:
    """The value, or `default_value` where it is not there (with boolean: where it is not true)."""
    if isinstance(value, Failed):
        raise value.fail()
    return default_value if isinstance(value, Marker) or (boolean and not value) else value


def to_bool(value: Any) -> Any:
    """yes, on, 1, true are True; None stays None; everything else is False."""
    if value is None or isinstance(value, bool):
        return value
    return (value.lower() if isinstance(value, str) else value) in ("yes", "on", "1", "true", 1)


def ternary(value: Any, true_val: Any, false_val: Any, none_val: Any = None) -> Any:
    """One of two values by the truth of a third."""
    if value is None and none_val is not None:
        return none_val
    return true_val if bool(value) else false_val


def mandatory(value: Any, msg: str | None = None) -> Any:
    """The value, or an error where it is not there."""
    if isinstance(value, Marker):
        error = value.fail()
        if msg is not None and isinstance(error, UndefinedVariable):
            raise UndefinedVariable(error.name, error.place, error.chain, str(msg))
        raise error
    return value


@pass_context
def random(context: Context, end: Any, start: int | None = None, step: int | None = None, seed: Any = None) -> Any:
    """A number below `end` or a member of a list; the same for the same seed."""
    source = generator(context, seed)
    if isinstance(end, int):
        return source.randrange(start or 0, end, step or 1)
    if start or step:
        raise ValueError("start and step are for numbers")
    return source.choice(list(end))


@pass_context
def shuffle(context: Context, value: Any, seed: Any = None) -> list[Any]:
    """A list in another order; the same for the same seed."""
    found = list(value)
    generator(context, seed).shuffle(found)
    return found


def generator(context: Context, seed: Any) -> random_.Random:
    """Ansible's generator for a seed; without one it begins with random bytes from outside."""
    begin = scope_of(context).run.templar.outside.random(16) if seed is None else seed
    return random_.Random(begin)  # noqa: S311  choices in playbooks, not keys


def type_debug(value: Any) -> str:
    """The name of the value's type."""
    if isinstance(value, Marker):
        return "Undefined"
    if isinstance(value, datetime.date):
        return type(value).__name__
    return next((name for kind, name in NAMES if isinstance(value, kind)), type(value).__name__)


FILTERS = {
    "default": default,
    "d": default,
    "bool": to_bool,
    "ternary": ternary,
    "mandatory": mandatory,
    "random": random,
    "shuffle": shuffle,
    "type_debug": type_debug,
}
