"""What a rollout can make ready before its first switch: tasks of a play that need no result of the run."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from wherry.connection.session import TaskRequest
from wherry.errors import UndefinedVariable
from wherry.execution import calls, facts
from wherry.execution.host_run import HostRun
from wherry.execution.steps import Step
from wherry.execution.values import FactsMissing, Waiting

FIRST = ("runtime",)
MODULES = (*FIRST, "image", "container")


@dataclass(frozen=True)
class Staged:
    """One call that can be made now; `args` are those of `request`, in wire form."""

    step: Step
    module: str
    args: dict[str, Any]
    request: TaskRequest


def requests(run: HostRun) -> tuple[list[Staged], list[Step]]:
    """The calls of `runtime`, `image` and `container` tasks of the play on this host that variables and facts decide,
    runtime first, else in written order; and the steps that wait for a result of the run. Raises ProjectError."""
    facts.allowed(run)
    ready: list[Staged] = []
    later: list[Step] = []
    expected = {step.task.register for step in run.play.steps if step.task.register} | _set_facts(run)
    for step in (step for step in run.play.steps if step.task.module in MODULES):
        try:
            ready += _staged(step, run)
        except UndefinedVariable as error:
            if error.name.partition(".")[0] not in expected:
                raise
            later.append(step)
        except Waiting:
            later.append(step)
    ready.sort(key=lambda each: each.module not in FIRST)
    return ready, later


def _staged(step: Step, run: HostRun) -> list[Staged]:
    """The calls of a step, after gathering the facts that it needs."""
    while True:
        try:
            parts = list(calls.parts(step, run))
            break
        except FactsMissing as waiting:
            run.gather(waiting.names)
    sent = ((part.request, dict(part.request.args)) for part in parts if part.request)
    return [Staged(step, request.module, args, request) for request, args in sent]


def _set_facts(run: HostRun) -> set[str]:
    return {name for step in run.play.steps if step.task.module == "set_fact" for name in step.task.args}
