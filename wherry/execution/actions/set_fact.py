"""Set variables of the host for the rest of the run."""

from __future__ import annotations

from typing import Any

from wherry.errors import ProjectError
from wherry.execution.calls import ActionCall
from wherry.language.learned import is_protected

RULES = {"open": True}


def run(call: ActionCall, cacheable: bool = False, **values: Any) -> dict[str, Any]:
    """Set each argument as a variable of the host, for all tasks behind this one.

    cacheable: accepted for Ansible's sake; facts are not kept between runs.  Registers: ansible_facts.
    """
    for name in values:
        if not name.isidentifier() or is_protected(name):
            raise ProjectError(f"'{name}' cannot be set: it is no variable of a host", call.task.place)
    return {"changed": False, "ansible_facts": values}
