"""What a host's tasks may know of every host: all of their own, of others what was so when those were as far as they are."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from wherry.execution.values import OthersBehind
from wherry.language.learned import Learned
from wherry.language.variables import Run, Scope

if TYPE_CHECKING:
    from wherry.execution.host_run import HostRun


class Horizon(dict[str, Learned]):
    """What is known of each host by name, as seen from one host in one play."""

    def __init__(self, run: HostRun) -> None:
        super().__init__()
        self._run = run

    def setdefault(self, name: str, default: Any = None) -> Any:
        """What is known of the host; OthersBehind when it has not come as far as the one that looks."""
        run = self._run
        if name == run.name:
            return run.host_state.learned
        if name in run.batch.hosts and run.synced < run.position:
            raise OthersBehind(name)
        other = run.state.states.get(name)
        return other.as_of(run.stamp(run.position)) if other else Learned()


def scope_of(run: HostRun) -> Scope:
    """The variables of a host in a play; raises Waiting when `vars_files` need facts that are not there yet."""
    plan = run.state.plan
    shared = Run(
        plan.inventory,
        run.templar,
        plan.project,
        check=plan.check,
        diff=plan.diff,
        playbook=plan.playbook.path,
        learned=Horizon(run),
    )
    return shared.scope(
        run.host, run.play.play, play_hosts=[host.name for host in run.play.hosts], batch=run.batch.hosts
    )
