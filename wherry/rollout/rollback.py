"""An older release, switched in again from what the hosts keep: nothing is sent."""

from __future__ import annotations

import secrets
from collections.abc import Callable, Mapping, Sequence
from typing import Any

from wherry.errors import RolledBack, UsageError, WherryError, exit_code
from wherry.events import Event, RunFinished
from wherry.language.inventory import Host
from wherry.project import Project
from wherry.rollout import application, history, revision
from wherry.rollout.fleet import in_parallel
from wherry.rollout.run import Narrator
from wherry.rollout.transaction import Transaction


def rollback(
    project: Project,
    env: str,
    *,
    app: str,
    to: int,
    limit: str,
    extra: Mapping[str, Any],
    report: Callable[[Event], None],
) -> int:
    """Bring an application back to release `to` (0: the one before) on all its hosts; returns the exit code."""
    narrator = Narrator(report)
    answers, errors = history.ask("history", project, env, app=app, limit=limit, extra=extra)
    if errors:
        raise next(iter(errors.values()))
    name, hosts = _application(answers, env)
    goal = _goal({host: answer["releases"] for host, answer in hosts.items()}, to, name)
    fleet, members = history.reach(project, env, limit, extra)
    members = [host for host in members if host.name in hosts]
    described = application.from_play({"app": name}, None)
    author = revision.of(project, dirty=True)
    become = history.becoming(fleet, members[0])
    transaction = Transaction(described, members, fleet, author, narrator.say, become, secrets.token_hex(6))
    narrator.say("rollback", f"{name}: back to release {goal[members[0].name]['number']} on {', '.join(sorted(hosts))}")
    problems: list[WherryError] = []
    try:
        transaction.begin()
        problems = _switch_all(transaction, members, goal)
    finally:
        transaction.close()
        fleet.close()
    code = exit_code(problems)
    narrator(RunFinished(narrator.seconds, (), narrator.seconds, code, next(map(str, problems), "")))
    return code


def _application(answers: history.Answers, env: str) -> tuple[str, dict[str, dict[str, Any]]]:
    if not answers:
        raise UsageError(f"no application has been deployed to {env}")
    if len(answers) > 1:
        raise UsageError(f"{env} has several applications: {', '.join(sorted(answers))}", hint="say which: --app NAME")
    return next(iter(answers.items()))


def _goal(releases: Mapping[str, list[dict[str, Any]]], to: int, app: str) -> dict[str, dict[str, Any]]:
    """The record to go back to, by host; UsageError when a host does not keep it."""
    newest = max((record["number"] for records in releases.values() for record in records), default=0)
    common = set.intersection(*({record["number"] for record in records} for records in releases.values()))
    older = sorted(number for number in common if number < newest)
    number = to or (older[-1] if older else 0)
    if number not in common:
        kept = ", ".join(map(str, sorted(common))) or "none"
        what = f"release {to} is not kept" if to else "there is no release before the one in force"
        raise UsageError(f"{app}: {what} on every host", hint=f"kept on all hosts: {kept}")
    return {host: next(each for each in records if each["number"] == number) for host, records in releases.items()}


def _switch_all(
    transaction: Transaction, members: Sequence[Host], goal: Mapping[str, dict[str, Any]]
) -> list[WherryError]:
    """Stage, switch one host first and then the others at the same time, commit; revert all when one fails."""
    try:
        requests = {host.name: [each["request"] for each in goal[host.name]["containers"]] for host in members}
        transaction.stage(requests)
        first, rest = members[:1], members[1:]
        for batch in (first, rest):
            _, errors = in_parallel(
                {host.name: host for host in batch}, lambda host: _switch(transaction, host, requests)
            )
            if errors:
                transaction.reasons.update({name: str(error) for name, error in errors.items()})
                raise next(iter(errors.values()))
        if transaction.anything_changed:
            transaction.make_sure_of_all()
            number = goal[members[0].name]["number"]
            record = {key: value for key, value in goal[members[0].name].items() if key not in ("containers", "number")}
            transaction.commit({**record, "author": transaction.revision.author, "rollback_to": number})
    except WherryError as error:
        return [*_revert(transaction), RolledBack(f"the rollback failed, every host serves what it served: {error}")]
    return []


def _switch(transaction: Transaction, host: Host, requests: Mapping[str, list[dict[str, Any]]]) -> None:
    for each in requests[host.name]:
        result = transaction.switch(host.name, each["name"])
        if result.get("failed"):
            raise WherryError(str(result["msg"]), host.name)


def _revert(transaction: Transaction) -> list[WherryError]:
    try:
        transaction.revert()
    except WherryError as error:
        return [error]
    return []
