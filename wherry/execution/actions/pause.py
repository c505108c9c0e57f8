"""Wait for some time, once for all hosts of a batch."""

from __future__ import annotations

import time
from typing import Any

from wherry.execution.calls import ActionCall

RULES = {"one_of": [["seconds", "minutes"]], "exclusive": [["seconds", "minutes"]]}


def run(call: ActionCall, seconds: float | None = None, minutes: float | None = None) -> dict[str, Any]:
    """Wait; Ctrl-C ends it, and the run.

    seconds, minutes: how long.  A prompt is not supported yet.  Registers: delta (whole seconds).
    """
    began = time.monotonic()
    call.sleep((seconds or 0) + 60 * (minutes or 0))
    return {"changed": False, "delta": int(time.monotonic() - began)}
