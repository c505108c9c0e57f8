"""End the host's part of the play with a message."""

from __future__ import annotations

from typing import Any

from wherry.execution.calls import ActionCall


def run(call: ActionCall, msg: str = "Failed as requested from task") -> dict[str, Any]:
    """Fail.  msg: why.  Registers: failed, msg."""
    return {"changed": False, "failed": True, "msg": msg}
