"""The hooks of a run: each play with `rollout:` is one transaction; other plays are let alone."""

from __future__ import annotations

import secrets
from collections.abc import Sequence
from typing import Any

from wherry.connection.session import Become
from wherry.errors import RolledBack, UnreachableError, WherryError
from wherry.execution.hooks import NoHooks
from wherry.execution.host_run import HostRun
from wherry.execution.plan import PlanPlay
from wherry.language.task import Task
from wherry.rollout import application, reasons, stage
from wherry.rollout.fleet import Fleet, undisturbed
from wherry.rollout.revision import Revision
from wherry.rollout.transaction import Say, Transaction


class Rollouts(NoHooks):
    """`errors` are what ended transactions: the run's exit code comes from them and from execution's own."""

    def __init__(self, fleet: Fleet, revision: Revision, say: Say) -> None:
        self.fleet, self.revision, self.say = fleet, revision, say
        self.errors: list[WherryError] = []
        self.transaction: Transaction | None = None
        self.staged_results: stage.Results = {}

    def begin_play(self, play: PlanPlay, host_runs: Sequence[HostRun]) -> None:
        """Lock and stage on every host of every batch; raises what stops the run before any switch."""
        if play.play.rollout is None:
            return
        first = host_runs[0]
        options = first.templar.render(play.play.rollout, first.scope)
        described = application.from_play(options, play.play.place)
        hosts = [run.host for run in host_runs]
        run_id = secrets.token_hex(6)
        become = play_become(play, first)
        transaction = Transaction(described, hosts, self.fleet, self.revision, self.say, become, run_id)
        try:
            transaction.begin()
            self.staged_results = stage.everywhere(transaction, play, host_runs)
        except BaseException:
            if transaction.lock.tokens:
                self._end(transaction, play, failed=True)
            raise
        self.transaction = transaction

    def before_batch(self, play: PlanPlay, number: int, host_runs: Sequence[HostRun]) -> None:
        """Say which hosts come next."""
        if self.transaction and len(play.batches) > 1:
            names = ", ".join(run.name for run in host_runs)
            self.say("batch", f"batch {number + 1} of {len(play.batches)}: {names}", number=number)

    def staged(self, host_run: HostRun, task: Task, args: dict[str, Any]) -> dict[str, Any] | None:
        """What came of an image or runtime task when it was staged."""
        return self.staged_results.pop(stage.key(host_run.name, task, args), None) if self.transaction else None

    def container(self, host_run: HostRun, task: Task, args: dict[str, Any]) -> dict[str, Any] | None:
        """Gate and switch a staged container."""
        if self.transaction is None or not stage.is_rolled_out(args):
            return None
        return self.transaction.switch(host_run.name, str(args["name"]))

    def failed(self, host_run: HostRun, reason: dict[str, Any] | WherryError) -> None:
        """Remember why the rollout will be reverted."""
        if self.transaction:
            text = str(reason) if isinstance(reason, WherryError) else str(reason.get("msg", "a task failed"))
            self.transaction.reasons[host_run.name] = text

    def end_play(self, play: PlanPlay, host_runs: Sequence[HostRun], failed: bool) -> None:
        """Commit, or revert every host."""
        if transaction := self.transaction:
            self.transaction = None
            self._end(transaction, play, failed)

    def _end(self, transaction: Transaction, play: PlanPlay, failed: bool) -> None:
        with undisturbed(lambda text: self.say("interrupt", text)):
            try:
                if failed or not self._committed(transaction, play):
                    self._revert(transaction)
            except WherryError as error:
                self.errors.append(error)
            finally:
                transaction.close()

    def _committed(self, transaction: Transaction, play: PlanPlay) -> bool:
        """Commit if there is anything to; False when a host was lost before any commit."""
        for host, names in transaction.left_behind().items():
            what = f"{', '.join(names)} of the release before is not asked for any more and keeps running"
            self.say("notice", f"{what}; `container: {{name: ..., state: absent}}` removes it", host)
        if not transaction.anything_changed:
            self.say("commit", f"{transaction.application.app}: nothing changed, no release is made")
            return True
        try:
            transaction.make_sure_of_all()
        except UnreachableError as error:
            self.errors.append(error)
            return False
        transaction.commit({**self.revision.to_json(), "playbook": play.play.path, "serial": list(play.play.serial)})
        return True

    def _revert(self, transaction: Transaction) -> None:
        release = f"{transaction.application.app}: release {transaction.number}"
        why = reasons.in_one_line(transaction.reasons) or "interrupted"
        next_step = "every host goes back" if transaction.has_switched else "no host has switched"
        self.say("revert", f"{release} failed ({why}); {next_step}")
        transaction.revert()
        what = f"{release} was not rolled out, every host serves the old release ({why})"
        hint = reasons.hint(transaction.reasons) or "mend the cause and deploy again"
        self.errors.append(RolledBack(what, hint=hint))


def play_become(play: PlanPlay, run: HostRun) -> Become | None:
    """Whose containers a rollout play is about: its own `become`, None for the login user."""
    scope = run.scope

    def variable(name: str, keyword: Any) -> Any:
        return scope[name] if name in scope else run.templar.render(keyword, scope)

    if not run.flag(variable("ansible_become", play.play.become), scope, default=False):
        return None
    user = variable("ansible_become_user", play.play.become_user) or "root"
    return Become(str(user), str(variable("ansible_become_method", play.play.become_method) or "sudo"))
