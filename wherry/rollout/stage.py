"""Make ready on every host what a play will switch to: the runtime, images, containers; before the first switch."""

from __future__ import annotations

import json
import time
from collections.abc import Sequence
from typing import Any

from wherry.errors import RolledBack, WherryError
from wherry.execution import stage
from wherry.execution.host_run import HostRun
from wherry.execution.plan import PlanPlay
from wherry.execution.stage import Staged
from wherry.language.task import Task
from wherry.rollout.fleet import in_parallel
from wherry.rollout.transaction import Transaction
from wherry.text import amount

Results = dict[str, dict[str, Any]]  # of image and runtime tasks, by host, task and arguments (see `key`)
NOT_REQUESTS = ("state",)  # arguments of the module `container` that a request does not have


def everywhere(transaction: Transaction, play: PlanPlay, host_runs: Sequence[HostRun]) -> Results:
    """Stage on all hosts at the same time; raises RolledBack naming the hosts where it failed."""
    results: Results = {}
    requests: dict[str, list[dict[str, Any]]] = {}
    runs = {run.name: run for run in host_runs}

    def one(run: HostRun) -> None:
        ready, later = stage.requests(run)
        for step in later:
            transaction.say("stage", f"'{step.task.title}' needs a result of this run: staged in its batch", run.name)
        for each in ready:
            if each.module != "container":
                results[key(run.name, each.step.task, each.args)] = _do(transaction, run, each)
        requests[run.name] = [
            request(each.args) for each in ready if each.module == "container" and is_rolled_out(each.args)
        ]

    _, errors = in_parallel(runs, one, interrupt=transaction.fleet.interrupt)
    if errors:
        transaction.reasons.update({name: str(error) for name, error in errors.items()})
        first = next(iter(errors.values()))
        raise RolledBack(f"staging failed on {', '.join(sorted(errors))}: {first}", hint="no host has switched")
    transaction.stage(requests)
    return results


def key(host: str, task: Task, args: dict[str, Any]) -> str:
    """What a staged call is found again by when the play reaches its task."""
    return f"{host} {id(task)} {json.dumps(args, sort_keys=True, default=str)}"


def is_rolled_out(args: dict[str, Any]) -> bool:
    """Whether a container task is part of the rollout: it wants its container running."""
    return bool(args.get("state", "started") == "started")


def request(args: dict[str, Any]) -> dict[str, Any]:
    """The request that a container task's arguments make."""
    return {key: value for key, value in args.items() if key not in NOT_REQUESTS and value is not None}


def _do(transaction: Transaction, run: HostRun, staged: Staged) -> dict[str, Any]:
    """Have the host do a runtime or image task now; its result is what the task reports later."""
    session = run.session
    began, before = time.monotonic(), session.content_sent
    result = session.wait(session.submit(staged.request))
    if result.get("failed"):
        raise _failure(result, f"{run.name}: {staged.step.task.title}")
    sent, took = session.content_sent - before, time.monotonic() - began
    if result.get("changed"):
        transaction.say("stage", f"{staged.step.task.title} ({amount(sent)} sent in {took:.1f} s)", run.name, sent=sent)
    return result


def _failure(result: dict[str, Any], place: str) -> WherryError:
    """A failed result as an error: in the words of the host's own error where it was one."""
    told = result.get("error")
    if not isinstance(told, dict):
        return WherryError(str(result.get("msg", "failed")), place)
    where = ": ".join(part for part in (place, str(told.get("where", ""))) if part)
    return WherryError(str(told.get("what", "failed")), where, str(told.get("hint", "")))
