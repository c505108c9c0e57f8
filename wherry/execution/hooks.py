"""What a rollout may do at the turns of a run; execution knows no rollout, only these calls."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

from wherry.errors import WherryError

if TYPE_CHECKING:
    from wherry.execution.host_run import HostRun
    from wherry.execution.plan import PlanPlay
    from wherry.language.task import Task


class NoHooks:
    """Hooks that only forward. Each may raise a WherryError: outside of a host's thread it ends the run."""

    def begin_play(self, play: PlanPlay, host_runs: Sequence[HostRun]) -> None:
        """Before the first batch of a play; `host_runs` are those of all its batches."""

    def before_batch(self, play: PlanPlay, number: int, host_runs: Sequence[HostRun]) -> None:
        """Before a batch; numbers count from 0."""

    def container(self, host_run: HostRun, task: Task, args: dict[str, Any]) -> dict[str, Any] | None:
        """The result of a `container` task of a play with `rollout:`; None lets the module do it.

        Called in the host's thread, with checked arguments in wire form, when nothing is outstanding on its session.
        """
        return None

    def staged(self, host_run: HostRun, task: Task, args: dict[str, Any]) -> dict[str, Any] | None:
        """The result of an `image` or `runtime` task that was done before the first batch; None lets the module do it."""
        return None

    def failed(self, host_run: HostRun, reason: dict[str, Any] | WherryError) -> None:
        """A host failed (its result) or was lost (the error); once a host, in its thread."""

    def after_batch(self, play: PlanPlay, number: int, host_runs: Sequence[HostRun]) -> None:
        """After a batch, if the play goes on."""

    def end_play(self, play: PlanPlay, host_runs: Sequence[HostRun], failed: bool) -> None:
        """After the last batch, or when failures or an interruption have stopped the play."""


Hooks = NoHooks
