"""Steer the run: handlers now, or an end."""

from __future__ import annotations

from typing import Any, Literal

from wherry.execution.calls import ActionCall

RULES = {"free_form": "free_form"}


def run(
    call: ActionCall, free_form: Literal["flush_handlers", "noop", "end_play", "end_batch", "end_host", "clear_facts"]
) -> dict[str, Any]:
    """Do what the word says; `when` is heeded, nothing is registered.

    flush_handlers: run notified handlers now.  end_play, end_batch: end it for all hosts, without a failure.  end_host: for
    this one.  clear_facts: forget the host's facts.  noop: nothing.
    """
    raise AssertionError("walk.py does this, between tasks")
