"""Which facts a play's text mentions: those are gathered, in one question, and no others."""

from __future__ import annotations

from collections.abc import Iterable
from typing import TYPE_CHECKING

from wherry.events import TaskFinished
from wherry.execution.plan import PlanPlay
from wherry.execution.values import may_be_fact
from wherry.language.templating import References, task_references

if TYPE_CHECKING:
    from wherry.execution.host_run import HostRun

TITLE = "Gathering Facts"
POSITION = (-1, 0)


def begin(run: HostRun) -> None:
    """Gather what the play mentions, unless `gather_facts` is false; what turns up later is asked for when it is used."""
    if not allowed(run):
        return
    run.facts.gathering = False
    names = mentioned(run.play, run)
    run.facts.gathering = True
    again = run.play.play.gather_facts is not None
    missing = frozenset(filter(may_be_fact, names)) if again else run.facts.missing(names)
    if missing:
        place = str(run.play.play.place or "")
        run.state.emitter.announce(run.stamp(POSITION), TITLE, place, False)
        run.gather(missing)
        run.state.emitter.emit(TaskFinished, host=run.name, task=TITLE, status="ok", place=place)
        run.state.counts(run.name).add("ok")


def allowed(run: HostRun) -> bool:
    """Whether the play may ask for facts; from now on they are asked for when they are used."""
    run.facts.gathering = False  # `gather_facts` itself cannot depend on them
    run.facts.gathering = run.flag(run.play.play.gather_facts, run.scope, default=True)
    return run.facts.gathering


def mentioned(play: PlanPlay, run: HostRun) -> frozenset[str]:
    """The facts that the play's tasks look at, through the variables that they name; "*" for all."""
    found = [task_references(step.task, run.scope.for_task(step.task)) for step in (*play.steps, *play.handlers)]
    return _names(found)


def _names(found: Iterable[References]) -> frozenset[str]:
    references = list(found)
    if any(each.all_facts for each in references):
        return frozenset({"*"})
    return frozenset(name for each in references for name in each.facts)
