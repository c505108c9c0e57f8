"""Show a message or a variable."""

from __future__ import annotations

from typing import Any

from wherry.errors import UndefinedVariable
from wherry.execution.calls import ActionCall
from wherry.language.source import Source

RULES = {"exclusive": [["msg", "var"]], "expressions": ["var"]}


def run(call: ActionCall, msg: Any = "Hello world!", var: Any = None, verbosity: int = 0) -> dict[str, Any]:
    """Show `msg`, or the value of the expression `var`.

    msg: any value.  var: a variable's name or an expression.  verbosity: accepted for Ansible's sake.
    Registers: msg, or the value under the expression's text.
    """
    if var is None:
        return {"changed": False, "msg": msg, "_show": True}
    try:
        is_template = isinstance(var, Source) and var.is_template
        value = call.render(var) if is_template else call.evaluate(var)
    except UndefinedVariable:
        value = "VARIABLE IS NOT DEFINED!"
    return {"changed": False, str(var): value, "_show": True}
