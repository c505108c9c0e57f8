"""A task's arguments against its module's signature: before any host is contacted, and again once rendered."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import partial
from typing import Any

from wherry.errors import ProjectError
from wherry.execution.module_spec import ModuleSpec, Parameter
from wherry.language import source
from wherry.language.suggest import did_you_mean
from wherry.protocols import Place

TRUE = frozenset({"yes", "on", "1", "true", "y", "t", "1.0"})
FALSE = frozenset({"no", "off", "0", "false", "n", "f", "0.0"})
UNITS = {"": 1, "K": 1 << 10, "M": 1 << 20, "G": 1 << 30, "T": 1 << 40, "P": 1 << 50}
EXPECTED = {"int": "a whole number", "float": "a number", "bool": "yes or no", "bytes": "a size like 64M"}
FREE_FORM = "_raw_params"


@dataclass(frozen=True)
class Call:
    """A module's call as written; `raw` is kept so that errors can say where an argument stands.

    partial: further arguments come from a template, so nothing can be missing yet.
    """

    spec: ModuleSpec
    raw: dict[str, Any]
    place: Place | None
    partial: bool = False

    def of(self, name: str) -> Place | None:
        """Where the value of the argument stands, under whichever of its names it was written."""
        names = {name, *(alias for alias, real in self.spec.rules.aliases.items() if real == name)}
        written = next((key for key in self.raw if key in names), None)
        if written is None:
            return self.place
        return source.place_of(self.raw[written]) or source.place_of(self.raw, written) or self.place

    def key(self, name: str) -> Place | None:
        """Where the name of an argument stands."""
        return source.key_place(self.raw, name) or self.place


def check(call: Call) -> None:
    """Raise ProjectError, with its place, for what is wrong in a call that is not rendered yet."""
    given = _named(call, call.raw)
    for name, value in given.items():
        if value is not None and source.is_static(value):
            _converted(call, name, value)
    _check_rules(call, given, known=source.is_static)


def resolve(call: Call, rendered: Mapping[str, Any]) -> dict[str, Any]:
    """Rendered arguments by their parameters' names, converted to the parameters' kinds; raises ProjectError."""
    given = {name: value for name, value in _named(call, rendered).items() if value is not None}
    _check_rules(call, given, known=lambda value: True)
    return {name: _converted(call, name, value) for name, value in given.items()}


def _converted(call: Call, name: str, value: Any) -> Any:
    parameter = call.spec.parameters.get(name)
    if parameter is None or name in call.spec.rules.expressions:
        return value
    return convert(parameter, value, partial(call.of, name))


def convert(parameter: Parameter, value: Any, place: Callable[[], Place | None]) -> Any:
    """A value as its parameter's kind, by Ansible's rules; ProjectError says what was expected, and at which `place()`."""
    try:
        converted = _CONVERTERS[parameter.kind](value)
    except (ValueError, TypeError, KeyError):
        expected = EXPECTED.get(parameter.kind, f"a {parameter.kind}")
        raise ProjectError(f"argument '{parameter.name}' is {value!r}, not {expected}", place()) from None
    if parameter.choices and converted not in parameter.choices:
        text = f"argument '{parameter.name}' is {str(value)!r}, not one of {', '.join(parameter.choices)}"
        raise ProjectError(text, place(), did_you_mean(str(converted), parameter.choices))
    return converted


def truth(value: Any) -> bool:
    """A boolean by YAML 1.1's words; ValueError for anything else."""
    word = str(value).strip().lower()
    if word not in TRUE | FALSE:
        raise ValueError(value)
    return word in TRUE


def _named(call: Call, arguments: Mapping[str, Any]) -> dict[str, Any]:
    """Arguments by parameter name instead of alias; ProjectError for unknown ones and for one given twice."""
    spec, result = call.spec, dict[str, Any]()
    aliases = {**spec.rules.aliases, **({FREE_FORM: spec.rules.free_form} if spec.rules.free_form else {})}
    for key, value in arguments.items():
        name = aliases.get(key, key)
        if name not in spec.parameters and not spec.rules.open:
            raise _unknown(call, key)
        if name in result:
            raise ProjectError(f"module '{spec.name}' is given '{name}' twice (also as '{key}')", call.key(key))
        result[name] = value
    return result


def _unknown(call: Call, key: str) -> ProjectError:
    spec = call.spec
    if key == FREE_FORM:
        return ProjectError(f"module '{spec.name}' takes no free-form text", call.place, "write name: value")
    hint = did_you_mean(key, [*spec.parameters, *spec.rules.aliases], f"it takes {', '.join(sorted(spec.parameters))}")
    return ProjectError(f"module '{spec.name}' has no argument '{key}'", call.key(key), hint)


def _check_rules(call: Call, given: Mapping[str, Any], known: Callable[[Any], bool]) -> None:
    """Required, one-of, required-if and exclusive; `known` tells which values are more than a template."""
    spec = call.spec
    present = {name for name, value in given.items() if value is not None}
    if not call.partial:
        _check_missing(call, given, present)
    for group in spec.rules.exclusive:
        both = [name for name in group if name in present]
        if len(both) > 1 and all(known(given[name]) for name in both):
            raise ProjectError(f"arguments {' and '.join(map(repr, both))} exclude each other", call.of(both[1]))


def _check_missing(call: Call, given: Mapping[str, Any], present: set[str]) -> None:
    spec = call.spec
    for parameter in spec.parameters.values():
        if parameter.required and parameter.name not in present:
            raise ProjectError(f"module '{spec.name}' needs the argument '{parameter.name}'", call.place)
    for group in spec.rules.one_of:
        if not present & set(group):
            raise ProjectError(f"module '{spec.name}' needs one of {', '.join(group)}", call.place)
    for name, wanted, needed in spec.rules.required_if:
        missing = [each for each in needed if each not in present]
        if missing and given.get(name, spec.parameters[name].default) == wanted:
            raise ProjectError(f"module '{spec.name}' with {name}={wanted} needs {', '.join(missing)}", call.of(name))


def _text(value: Any) -> str:
    if isinstance(value, Mapping | list):
        return json.dumps(value)
    return str(value)


def _whole(value: Any) -> int:
    if isinstance(value, bool) or (isinstance(value, float) and not value.is_integer()):
        raise ValueError(value)
    return int(value)


def _list(value: Any) -> list[Any]:
    if isinstance(value, Mapping):
        raise ValueError(value)
    if isinstance(value, list | tuple):
        return list(value)
    if isinstance(value, str):
        return [part.strip() for part in value.split(",")] if value else []
    return [value]


def _dict(value: Any) -> dict[str, Any]:
    if isinstance(value, Mapping):
        return dict(value)
    if not isinstance(value, str):
        raise ValueError(value)
    if value.lstrip().startswith("{"):
        return dict(json.loads(value))
    pairs = [part.strip().partition("=") for part in value.split(",")]
    if not all(equals for _, equals, _ in pairs):
        raise ValueError(value)
    return {name: text for name, _, text in pairs}


def _mode(value: Any) -> Any:
    if isinstance(value, bool) or not isinstance(value, int | str):
        raise ValueError(value)
    return value if isinstance(value, int) else str(value)


def _size(value: Any) -> int:
    text = str(value).strip().upper().removesuffix("IB").removesuffix("B")
    number, unit = (text[:-1], text[-1]) if text[-1:].isalpha() else (text, "")
    return int(float(number) * UNITS[unit])


_CONVERTERS: dict[str, Callable[[Any], Any]] = {
    "str": _text,
    "path": _text,
    "int": _whole,
    "float": float,
    "bool": truth,
    "list": _list,
    "dict": _dict,
    "mode": _mode,
    "bytes": _size,
    "raw": lambda value: value,
}
