"""The invoke namespace that a user's tasks.py takes over: `from wherry.tasks import namespace`."""

from __future__ import annotations

import sys
from collections.abc import Callable, Sequence
from functools import wraps
from typing import Any, ParamSpec

from invoke.collection import Collection
from invoke.context import Context
from invoke.exceptions import Exit
from invoke.tasks import task

from wherry.errors import Interrupted, UsageError, WherryError
from wherry.text import visible

P = ParamSpec("P")
COMMON = {
    "env": "the inventory: inventory/ENV.yml",
    "limit": "only these hosts of it: names, groups, patterns (a:&b:!c)",
    "extra": "KEY=VALUE (or @FILE), before every other definition; may be repeated",
    "traceback": "on an error, show where in wherry it was raised",
}
SELECT = {
    **COMMON,
    "playbook": "a name below playbooks/ or a path",
    "tags": "only tasks with one of these tags (a,b)",
    "skip_tags": "no task with one of these tags",
    "forks": "hosts at a time within a batch",
}
DEPLOY = {
    **SELECT,
    "diff": "show what files change",
    "dirty": "deploy uncommitted changes too; the release records their digest",
    "verbose": "show results too",
}
PLAN = {**SELECT, "detailed_exitcode": "end with 2 if something would change"}


def reported(body: Callable[P, int]) -> Callable[P, None]:
    """Turn what a task returns or raises into the documented exit code and one readable message."""

    @wraps(body)
    def wrapper(*args: P.args, **kwargs: P.kwargs) -> None:
        try:
            code = body(*args, **kwargs)
        except WherryError as error:
            if kwargs.get("traceback"):
                raise
            text = visible(str(error), lines=True)  # it may hold a host's words
            raise Exit(f"error: {text}", code=error.exit_code) from None
        except KeyboardInterrupt:
            raise Exit("interrupted", code=Interrupted.exit_code) from None
        if code:
            raise Exit(code=code)

    return wrapper


def variables(extra: Sequence[str] | None) -> dict[str, Any]:
    """What `--extra` says: KEY=VALUE pairs (plain strings), a JSON object, or @FILE with YAML."""
    from wherry.language import source

    found: dict[str, Any] = {}
    for text in extra or ():
        if text.startswith("@"):
            found.update(source.load(text[1:]) or {})
        elif text.lstrip().startswith("{"):
            found.update(source.parse(text, "--extra"))
        elif "=" in text:
            name, value = text.split("=", 1)
            found[name.strip()] = value
        else:
            raise UsageError(f"--extra {text}", hint="write KEY=VALUE, a JSON object or @FILE")
    return found


def play(env: str, playbook: str, **choices: Any) -> int:
    """Run a playbook of the project around the current folder and print what happens; returns the exit code."""
    from wherry import project
    from wherry.report.lines import Lines
    from wherry.rollout import run

    for key in ("tags", "skip_tags"):
        choices[key] = tuple(filter(None, choices.get(key, "").split(",")))
    choices["extra"] = variables(choices.get("extra"))
    report = Lines(sys.stdout, verbose=choices.pop("verbose", False), diff=choices.get("diff", False))
    options = run.Options(env=env, playbook=playbook, **choices)
    return run.run(project.find("."), options, report)


@task(help=DEPLOY, iterable=["extra"])
@reported
def deploy(
    _: Context,
    env: str = "prod",
    playbook: str = "deploy",
    limit: str = "",
    extra: Sequence[str] | None = None,
    tags: str = "",
    skip_tags: str = "",
    diff: bool = False,
    dirty: bool = False,
    forks: int = 50,
    verbose: bool = False,
    traceback: bool = False,
) -> int:
    """Bring the hosts of an environment to what the playbook says: all of them, or none."""
    return play(
        env,
        playbook,
        limit=limit,
        extra=extra,
        tags=tags,
        skip_tags=skip_tags,
        diff=diff,
        dirty=dirty,
        forks=forks,
        verbose=verbose,
    )


@task(help=PLAN, iterable=["extra"])
@reported
def plan(
    _: Context,
    env: str = "prod",
    playbook: str = "deploy",
    limit: str = "",
    extra: Sequence[str] | None = None,
    tags: str = "",
    skip_tags: str = "",
    detailed_exitcode: bool = False,
    forks: int = 50,
    traceback: bool = False,
) -> int:
    """Show what a deploy would change on each host, bytes to send included; changes nothing."""
    return play(
        env,
        playbook,
        limit=limit,
        extra=extra,
        tags=tags,
        skip_tags=skip_tags,
        check=True,
        diff=True,
        dirty=True,
        forks=forks,
        detailed_exitcode=detailed_exitcode,
    )


@task(help={**COMMON, "app": "only this application"}, iterable=["extra"])
@reported
def status(
    _: Context,
    env: str = "prod",
    app: str = "",
    limit: str = "",
    extra: Sequence[str] | None = None,
    traceback: bool = False,
) -> int:
    """What serves on each host: release, containers, health, who holds a lock."""
    from wherry import project
    from wherry.rollout import history

    return history.status(project.find("."), env, app=app, limit=limit, extra=variables(extra), out=sys.stdout)


@task(help={**COMMON, "app": "only this application"}, iterable=["extra"])
@reported
def history(
    _: Context,
    env: str = "prod",
    app: str = "",
    limit: str = "",
    extra: Sequence[str] | None = None,
    traceback: bool = False,
) -> int:
    """The releases that the hosts keep: number, when, who, git commit, images."""
    from wherry import project
    from wherry.rollout import history as releases

    return releases.history(project.find("."), env, app=app, limit=limit, extra=variables(extra), out=sys.stdout)


@task(
    help={
        **COMMON,
        "app": "which application, where there are several",
        "to": "a release number; the one before without it",
    },
    iterable=["extra"],
)
@reported
def rollback(
    _: Context,
    env: str = "prod",
    app: str = "",
    to: int = 0,
    limit: str = "",
    extra: Sequence[str] | None = None,
    traceback: bool = False,
) -> int:
    """Switch every host back to an older release that it keeps, with the same gates."""
    from wherry import project
    from wherry.report.lines import Lines
    from wherry.rollout import rollback as back

    return back.rollback(
        project.find("."), env, app=app, to=to, limit=limit, extra=variables(extra), report=Lines(sys.stdout)
    )


namespace = Collection(deploy, plan, status, history, rollback)
