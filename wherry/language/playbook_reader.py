"""Read a playbook's YAML into plays, blocks and tasks; unknown words are errors with their place."""

from __future__ import annotations

import os
from typing import Any

from wherry.errors import ProjectError
from wherry.language import keywords as words
from wherry.language import source, task_reader
from wherry.language.playbook import Play, Playbook
from wherry.language.source import key_place, place_of
from wherry.language.task_reader import TaskReader
from wherry.project import Project

SECTIONS = ("pre_tasks", "tasks", "post_tasks", "handlers")
NOT_YET = ("roles", "vars_prompt")
ROLLOUT_NEEDS = "app"


def read(project: Project, path: str) -> Playbook:
    """The playbook in the file."""
    warnings: list[str] = []
    content = source.load(path, warn=warnings.append)
    if content is None:
        return Playbook(path, [], [*warnings, f"{path} is empty"])
    if not isinstance(content, list):
        raise ProjectError("a playbook is a list of plays", place_of(content), "begin with `- hosts: all`")
    reader = TaskReader(known_modules(project))
    return Playbook(path, [read_play(each, path, reader) for each in content], warnings)


def known_modules(project: Project) -> frozenset[str]:
    """The names of modules that have a file, and of the engine's own actions."""
    files = [name for folder in project.module_folders if os.path.isdir(folder) for name in os.listdir(folder)]
    return words.ACTIONS | {name.removesuffix(".py") for name in files if name.endswith(".py")}


def read_play(written: Any, path: str, reader: TaskReader) -> Play:
    """One play, its tasks read below it."""
    if not isinstance(written, dict):
        raise ProjectError("a play is a mapping", place_of(written), "begin with `- hosts: all`")
    refuse_later(written)
    task_reader.check(written, words.PLAY, "a play")
    if written.get("hosts") is None:
        raise ProjectError("the play names no hosts", place_of(written), "add `hosts: all` or another pattern")
    check_rollout(written.get("rollout"))
    play = Play(keywords=dict(written), hosts=written["hosts"], path=path, place=place_of(written))
    for section in SECTIONS:
        tasks = reader.read_list(written.get(section), play, handlers=section == "handlers")
        setattr(play, section, tasks)
    return play


def refuse_later(written: dict[Any, Any]) -> None:
    """Whole-play constructs that later versions carry out."""
    for key in written:
        short = words.short_name(str(key))
        if short in ("import_playbook", "include") or (short in NOT_YET and written[key]):
            raise ProjectError(f"'{key}' is not supported yet", key_place(written, key))


def check_rollout(rollout: Any) -> None:
    """`rollout:` has known keys and names its application."""
    if rollout is None:
        return
    task_reader.check_names(rollout, words.ROLLOUT, "rollout")
    if not rollout.get(ROLLOUT_NEEDS):
        raise ProjectError("rollout names no application", place_of(rollout), "write `rollout: {app: NAME}`")
