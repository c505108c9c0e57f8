"""when, changed_when, failed_when, until: bare expressions, of which all must hold."""

from __future__ import annotations

import re
from typing import Any

from wherry.errors import TemplateError
from wherry.language.source import Source, place_of
from wherry.language.variables import Scope

QUOTED_TEMPLATE = re.compile(r"(['\"])\{\{((?:(?!\}\}).)*)\}\}\1", re.DOTALL)
TEMPLATE = re.compile(r"\{\{((?:(?!\}\}).)*)\}\}", re.DOTALL)
LITERALS = {"true": True, "false": False}


def test(condition: Any, scope: Scope) -> bool:
    """Whether the condition holds: a bare expression, a boolean, or a list of which all must hold; none holds.

    Only a Source is an expression. A result that is no boolean counts by its truth, with a warning.
    """
    if condition is None or condition == "" or isinstance(condition, bool):
        return condition is not False
    if isinstance(condition, list | tuple):
        return all(test(each, scope) for each in condition)
    if not isinstance(condition, Source):
        return truth(condition, condition, scope)
    value = scope.run.templar.evaluate(expression(condition, scope), scope)
    return value if isinstance(value, bool) else truth(value, condition, scope)


def expression(condition: Source, scope: Scope) -> Source:
    """The condition without the {{ }} that it does not need."""
    if "{%" in condition:
        raise TemplateError("a condition is an expression, it holds no {% %}", place_of(condition))
    if "{{" not in condition:
        return condition
    where = place_of(condition)
    scope.run.templar.warn(f"{where}: a condition is an expression already; write it without {{{{ }}}}")
    text = TEMPLATE.sub(r"(\1)", QUOTED_TEMPLATE.sub(r"((\2) | string)", condition))
    return Source(text, where.file, (where.line, where.column)) if where else Source(text)


def truth(value: Any, condition: Any, scope: Scope) -> bool:
    """The truth of a value that is no boolean, as Ansible takes it: text is true unless a template gave the word false."""
    where = place_of(condition) or (scope.task.place if scope.task else None)
    scope.run.templar.warn(f"{where}: the condition '{condition}' gives a {type(value).__name__}, not true or false")
    if isinstance(value, str) and (not isinstance(condition, Source) or "{{" in condition):
        return LITERALS.get(value.strip().lower(), bool(value))
    return bool(value)


def static(condition: Any) -> bool | None:
    """True or False when that can be told without any variable, else None."""
    if condition is None or isinstance(condition, bool):
        return condition is not False
    if isinstance(condition, str):
        return LITERALS.get(condition.strip().lower())
    if isinstance(condition, list | tuple):
        known = [static(each) for each in condition]
        return False if False in known else (True if all(each is True for each in known) else None)
    return None
