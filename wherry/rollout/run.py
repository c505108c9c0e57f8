"""A playbook from its files to its exit code."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

from wherry.errors import ChangesPending, UsageError, WherryError, exit_code
from wherry.events import Event, RunFinished, Said
from wherry.execution import executor
from wherry.execution import plan as plans
from wherry.execution.hooks import NoHooks
from wherry.execution.outside import World
from wherry.execution.plan import Plan
from wherry.lab import require_up
from wherry.language import inventory as inventories
from wherry.language import playbook as playbooks
from wherry.language.templating import Templar
from wherry.language.variables import Run
from wherry.project import Project
from wherry.rollout import revision
from wherry.rollout.fleet import Fleet
from wherry.rollout.rollouts import Rollouts


@dataclass(frozen=True)
class Options:
    """What the operator chose. `extra` are variables that win over all others; `forks` hosts of a batch work at a time."""

    env: str
    playbook: str = "deploy"
    limit: str = ""
    tags: tuple[str, ...] = ()
    skip_tags: tuple[str, ...] = ()
    extra: Mapping[str, Any] = field(default_factory=dict)
    check: bool = False
    diff: bool = False
    dirty: bool = False
    forks: int = 50
    detailed_exitcode: bool = False

    def __post_init__(self) -> None:
        if self.forks < 1:
            raise UsageError(f"--forks is a number of at least 1, not {self.forks}")


class Narrator:
    """Events of several sources, one at a time, to whoever reports."""

    def __init__(self, report: Callable[[Event], None]) -> None:
        self._report, self._lock, self._began = report, threading.Lock(), time.monotonic()

    def __call__(self, event: Event) -> None:
        with self._lock:
            self._report(event)

    def say(self, kind: str, text: str, host: str = "", **data: Any) -> None:
        """A step of the run itself."""
        self(Said(at=self.seconds, kind=kind, text=text, host=host, data=data))

    @property
    def seconds(self) -> float:
        """Since the run began."""
        return time.monotonic() - self._began


def run(project: Project, options: Options, report: Callable[[Event], None]) -> int:
    """Plan and carry out; returns the exit code. What is wrong in the project's own files is raised before any host is contacted."""
    narrator = Narrator(report)
    plan = make(project, options)
    require_up(plan.inventory, project.root)
    fleet = fleet_of(plan)
    hooks: NoHooks = NoHooks()
    errors: list[WherryError] = []
    if not options.check and any(each.play.rollout is not None for each in plan.plays):
        hooks = Rollouts(fleet, revision.of(project, dirty=options.dirty), narrator.say)
        errors = hooks.errors
    try:
        outcome = executor.run(plan, fleet.session, hooks, narrator, forks=options.forks)
        errors += outcome.errors
        summaries, changed = outcome.summaries, outcome.changed
    except WherryError as error:
        errors.append(error)
        summaries, changed = (), False
    finally:
        fleet.close()
    if options.detailed_exitcode and changed and not errors:
        errors.append(ChangesPending("changes are pending"))
    code = exit_code(errors)
    reason = next((str(error) for error in errors if error.exit_code == code), "")
    narrator(RunFinished(narrator.seconds, summaries, narrator.seconds, code, reason))
    return code


def make(project: Project, options: Options) -> Plan:
    """The plan of what the operator chose; no host is contacted."""
    inventory = inventories.load(project, options.env, extra=dict(options.extra))
    playbook = playbooks.load(project, options.playbook)
    return plans.make(
        project,
        playbook,
        inventory,
        limit=options.limit,
        tags=options.tags,
        skip_tags=options.skip_tags,
        check=options.check,
        diff=options.diff,
    )


def fleet_of(plan: Plan) -> Fleet:
    """The hosts of a plan, reached as its inventory says."""
    return Fleet(plan.project, Run(plan.inventory, Templar(World()), plan.project))
