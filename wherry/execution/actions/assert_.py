"""Check that conditions hold."""

from __future__ import annotations

from typing import Any

from wherry.execution.calls import ActionCall

RULES = {"aliases": {"msg": "fail_msg"}, "expressions": ["that"]}


def run(
    call: ActionCall, that: Any, fail_msg: str | None = None, success_msg: str | None = None, quiet: bool = False
) -> dict[str, Any]:
    """Fail at the first condition of `that` that does not hold.

    that: conditions as in `when`.  fail_msg: what a failure says.  success_msg: what a success says.  quiet: say less.
    Registers: msg; with a failure: assertion, evaluated_to.
    """
    for condition in that if isinstance(that, list) else [that]:
        if not call.test(condition):
            text = fail_msg or "Assertion failed"
            return {"changed": False, "failed": True, "assertion": str(condition), "evaluated_to": False, "msg": text}
    return {"changed": False, "msg": success_msg or "All assertions passed"}
