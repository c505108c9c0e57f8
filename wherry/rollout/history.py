"""Releases, as the hosts keep them: what was deployed when, and what serves now."""

from __future__ import annotations

import time
from collections import defaultdict
from collections.abc import Mapping, Sequence
from typing import Any, TextIO

from wherry.connection.session import Become
from wherry.errors import UnreachableError, UsageError, WherryError, exit_code
from wherry.execution.outside import World
from wherry.lab import require_up
from wherry.language import inventory as inventories
from wherry.language.inventory import Host
from wherry.language.templating import Templar
from wherry.language.variables import Run
from wherry.project import Project
from wherry.rollout.answers import checked
from wherry.rollout.fleet import Fleet, in_parallel
from wherry.text import visible

Answers = dict[str, dict[str, dict[str, Any]]]  # by application, then by host
ROOT = Become()


def history(project: Project, env: str, *, app: str, limit: str, extra: Mapping[str, Any], out: TextIO) -> int:
    """Print every release that a host keeps; returns the exit code (5 when hosts could not be asked)."""
    answers, errors = ask("history", project, env, app=app, limit=limit, extra=extra)
    for name, hosts in sorted(answers.items()):
        out.write(_history_of(name, hosts))
    return _closing(answers, errors, env, out)


def status(project: Project, env: str, *, app: str, limit: str, extra: Mapping[str, Any], out: TextIO) -> int:
    """Print what serves on each host and who holds a lock; returns the exit code."""
    answers, errors = ask("status", project, env, app=app, limit=limit, extra=extra)
    for name, hosts in sorted(answers.items()):
        out.write(f"{visible(name)}\n")
        rows = [row for host, answer in sorted(hosts.items()) for row in _status_rows(host, answer)]
        out.write(table(("HOST", "RELEASE", "CONTAINER", "STATUS", "HEALTH", "IMAGE", "PORTS"), rows))
        for host, answer in sorted(hosts.items()):
            out.writelines(_notices(host, answer))
    return _closing(answers, errors, env, out)


def ask(
    op: str, project: Project, env: str, *, app: str, limit: str, extra: Mapping[str, Any]
) -> tuple[Answers, dict[str, WherryError]]:
    """What each host answers to `op`, for one application or for all it knows; and the errors by host.

    UsageError when all hosts have answered and none knows `app`.
    """
    fleet, hosts = reach(project, env, limit, extra)
    answers: Answers = defaultdict(dict)
    deployed: set[str] = set()

    def one(host: Host) -> None:
        session, become = fleet.session(host), becoming(fleet, host)
        known = checked("applications", session.release("applications", become=become), host.name)
        names = [each["app"] for each in known["applications"]]
        deployed.update(names)
        for name in [each for each in names if app in ("", each)]:
            answer = session.release(op, become=become, app=name)
            answers[name][host.name] = checked(op, answer, host.name)

    try:
        _, errors = in_parallel({host.name: host for host in hosts}, one)
    finally:
        fleet.close()
    if app and not answers and not errors:
        raise _unknown(app, deployed, env)
    return answers, errors


def _unknown(app: str, deployed: set[str], env: str) -> UsageError:
    there_are = f"there are: {visible(', '.join(sorted(deployed)))}" if deployed else "none has been deployed yet"
    return UsageError(f"no application '{app}' on the hosts of {env}", hint=there_are)


def reach(project: Project, env: str, limit: str, extra: Mapping[str, Any]) -> tuple[Fleet, list[Host]]:
    """The hosts of an environment, and the way to them."""
    inventory = inventories.load(project, env, extra=dict(extra))
    require_up(inventory, project.root)
    return Fleet(project, Run(inventory, Templar(World()), project)), inventory.match(limit or "all")


def becoming(fleet: Fleet, host: Host) -> Become | None:
    """Outside of a play the releases of root are meant, unless the inventory says `ansible_become: false`."""
    scope = fleet.variables.scope(host)
    wanted = scope.get("ansible_become", True)
    return ROOT if wanted else None


def _history_of(app: str, hosts: dict[str, dict[str, Any]]) -> str:
    releases: dict[int, dict[str, Any]] = {}
    holders: dict[int, list[str]] = defaultdict(list)
    for host, answer in sorted(hosts.items()):
        for record in answer["releases"]:
            releases.setdefault(record["number"], record)
            holders[record["number"]].append(host)
    newest = max(releases, default=0)
    rows = [
        (
            f"{'*' if number == newest else ' '} {number}",
            time.strftime("%Y-%m-%d %H:%M:%S", time.localtime(record.get("when", 0))),
            str(record.get("author", "")),
            _commit(record),
            ", ".join(sorted({each["image"] for each in record.get("containers", [])})),
            "all" if len(holders[number]) == len(hosts) else ", ".join(holders[number]),
        )
        for number, record in sorted(releases.items(), reverse=True)
    ]
    return f"{visible(app)}\n" + table(("RELEASE", "WHEN", "BY", "COMMIT", "IMAGES", "HOSTS"), rows)


def _commit(record: Mapping[str, Any]) -> str:
    if record.get("rollback_to"):
        return f"rollback to {record['rollback_to']}"
    commit = str(record.get("commit", ""))[:10] or "-"
    return f"{commit}+changes" if record.get("changes") else commit


def _status_rows(host: str, answer: Mapping[str, Any]) -> list[tuple[str, ...]]:
    current = answer.get("current")
    if not current:
        return [(host, "-", "-", "no release yet", "", "", "")]
    return [
        (
            host,
            str(current["number"]),
            each["name"],
            str(each["status"]),
            _health(each.get("health")),
            str(each.get("image", "")),
            ", ".join(map(_port, each.get("ports") or [])),
        )
        for each in answer["containers"]
    ]


def _health(found: Any) -> str:
    return str(found.get("status", "")) if isinstance(found, dict) else str(found or "-")


def _port(found: Any) -> str:
    if isinstance(found, dict):
        return f"{found['address']}:{found['host_port']}->{found['container_port']}/{found['protocol']}"
    return str(found)


def _notices(host: str, answer: Mapping[str, Any]) -> list[str]:
    lines = []
    if lock := answer.get("lock"):
        state = "lives" if lock["live"] else f"has stopped; the lock expires in {lock['expires_in']:.0f} s"
        lines.append(f"  {host}: locked by {visible(str(lock['owner']))}, whose heartbeat {state}\n")
    if answer.get("uncommitted"):
        lines.append(
            f"  {host}: release {answer['uncommitted']} is neither committed nor reverted; the next deploy sees to it\n"
        )
    return lines


def _closing(answers: Answers, errors: Mapping[str, WherryError], env: str, out: TextIO) -> int:
    if not answers and not errors:
        out.write(f"no application has been deployed to {env} yet\n")
    for host, error in sorted(errors.items()):
        out.writelines(f"  {visible(line)}\n" for line in f"{host}: {error}".splitlines())
    found: list[WherryError] = [
        error if isinstance(error, UnreachableError) else UnreachableError(str(error)) for error in errors.values()
    ]
    return exit_code(found)


def table(head: Sequence[str], rows: Sequence[Sequence[str]]) -> str:
    """Columns two spaces apart, the head first; control characters shown escaped."""
    lines = [tuple(visible(each) for each in row) for row in (tuple(head), *rows)]
    widths = [max(len(row[column]) for row in lines) for column in range(len(head))]
    return "".join(
        "  " + "  ".join(cell.ljust(width) for cell, width in zip(row, widths, strict=True)).rstrip() + "\n"
        for row in lines
    )
