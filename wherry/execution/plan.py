"""What a run will do: each task bound to its module and checked, hosts cut into batches; no host is contacted."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any

from wherry.errors import ProjectError, UsageError
from wherry.execution.catalog import Catalog
from wherry.execution.steps import BlockStep, Selection, Step, bind, flat
from wherry.language import conditional
from wherry.language.inventory import Host, Inventory
from wherry.language.playbook import Play, Playbook
from wherry.language.source import is_static, place_of
from wherry.language.suggest import did_you_mean
from wherry.project import Project

HANDLERS = 3  # position of a play's handlers; its three sections stand before
WITHOUT_EFFECT = ("remote_user", "port", "user", "become_exe", "become_flags")
LATER = ("vars_prompt", "force_handlers")
ORDERS = ("inventory", "sorted", "reverse_sorted", "reverse_inventory")


@dataclass(frozen=True, eq=False)
class PlanPlay:
    """One play: `sections` are pre_tasks, tasks and post_tasks; `batches` the hosts in the order they are served."""

    play: Play
    number: int
    sections: tuple[tuple[Step | BlockStep, ...], ...]
    handlers: tuple[Step, ...]
    batches: tuple[tuple[Host, ...], ...]

    @property
    def name(self) -> str:
        """The play's name as written, else its hosts."""
        return self.play.name

    @property
    def hosts(self) -> list[Host]:
        """All hosts of the play."""
        return [host for batch in self.batches for host in batch]

    @cached_property
    def steps(self) -> list[Step]:
        """Every task in written order, without handlers."""
        return [step for section in self.sections for step in flat(section)]


@dataclass(frozen=True, eq=False)
class Plan:
    """A whole run. `warnings` are for the operator, before it begins."""

    project: Project
    playbook: Playbook
    inventory: Inventory
    catalog: Catalog
    plays: tuple[PlanPlay, ...]
    check: bool = False
    diff: bool = False
    warnings: tuple[str, ...] = field(default=())


def make(
    project: Project,
    playbook: Playbook,
    inventory: Inventory,
    *,
    limit: str = "",
    tags: Iterable[str] = (),
    skip_tags: Iterable[str] = (),
    check: bool = False,
    diff: bool = False,
    extra: Mapping[str, Any] | None = None,
) -> Plan:
    """The plan of a playbook on an inventory; ProjectError or UsageError for anything that cannot be meant."""
    catalog = Catalog(project)
    selection = Selection(frozenset(tags), frozenset(skip_tags))
    allowed = {host.name for host in inventory.match(limit)} if limit else None
    inventory.extra.update(extra or {})
    plays = tuple(
        _play(play, number, catalog, selection, _hosts(play, inventory, allowed))
        for number, play in enumerate(playbook.plays)
    )
    _check_tags(selection, playbook)
    warnings = (*playbook.warnings, *inventory.warnings, *_missing_modules(plays), *_without_effect(playbook))
    return Plan(project, playbook, inventory, catalog, plays, check=check, diff=diff, warnings=warnings)


def _play(play: Play, number: int, catalog: Catalog, selection: Selection, hosts: list[Host]) -> PlanPlay:
    _refuse_later(play)
    sections = tuple(
        bind(tasks, catalog, selection, (section, 0))
        for section, tasks in enumerate((play.pre_tasks, play.tasks, play.post_tasks))
    )
    handlers = tuple(flat(bind(play.handlers, catalog, Selection(), (HANDLERS,))))
    planned = PlanPlay(play, number, sections, handlers, batches(hosts, play))
    _check_notifications(planned)
    if play.rollout is not None:
        _check_rollout(planned)
    return planned


def batches(hosts: Sequence[Host], play: Play) -> tuple[tuple[Host, ...], ...]:
    """The hosts cut by the play's `serial`: numbers, percentages of all hosts, a list of such; the last one repeats."""
    sizes = [_size(each, len(hosts), play) for each in play.serial] or [len(hosts)]
    rest, found = list(hosts), list[tuple[Host, ...]]()
    while rest:
        size = sizes[min(len(found), len(sizes) - 1)]
        found.append(tuple(rest[:size]))
        rest = rest[size:]
    return tuple(found)


def _size(serial: Any, hosts: int, play: Play) -> int:
    text = str(serial).strip()
    percent = text.endswith("%")
    try:
        number = float(text[:-1]) if percent else int(text)
    except ValueError:
        place = place_of(play.keywords, "serial") or play.place
        raise ProjectError(
            f"serial is {serial!r}", place, "a number of hosts, a percentage or a list of such"
        ) from None
    size = int(number * hosts / 100) if percent else int(number)
    if number == 0 and not percent and isinstance(play.keywords.get("serial"), list):
        place = place_of(play.keywords, "serial") or play.place
        raise ProjectError("serial has a batch of 0 hosts", place, "at least 1; `serial: 0` alone means all hosts")
    return max(1, size) if percent or size > 0 else max(1, hosts)


def _hosts(play: Play, inventory: Inventory, allowed: set[str] | None) -> list[Host]:
    if not is_static(play.hosts):
        raise ProjectError("templates in 'hosts' are not supported yet", play.place)
    hosts = [host for host in inventory.match(play.pattern) if allowed is None or host.name in allowed]
    if play.order not in ORDERS:
        raise ProjectError(f"order is '{play.order}'", play.place, f"one of {', '.join(ORDERS)}")
    if "sorted" in play.order:
        hosts.sort(key=lambda host: host.name)
    return hosts[::-1] if play.order.startswith("reverse") else hosts


def _refuse_later(play: Play) -> None:
    for keyword in LATER:
        if play.keywords.get(keyword):
            raise ProjectError(f"'{keyword}' is not supported yet", place_of(play.keywords, keyword) or play.place)
    if (strategy := play.keywords.get("strategy", "linear")) not in ("linear", "ansible.builtin.linear"):
        raise ProjectError(f"strategy '{strategy}' is not supported yet", play.place, "only linear is")


def _check_notifications(planned: PlanPlay) -> None:
    """Every handler that a task notifies by a plain name must exist."""
    names = {step.task.name for step in planned.handlers} | {t for step in planned.handlers for t in step.task.listen}
    if not all(is_static(name) for name in names):
        return  # templated names are known when the play runs
    for step in planned.steps:
        for name in step.task.notify:
            if is_static(name) and name not in names:
                place = place_of(name) or step.task.place
                raise ProjectError(f"no handler '{name}' in this play", place, did_you_mean(name, names))


def _check_rollout(planned: PlanPlay) -> None:
    """Containers, their lock and their release belong to one user, that of the play."""
    for step in planned.steps:
        for keyword in ("become", "become_user"):
            other = step.task.effective(keyword) != planned.play.keywords.get(keyword)
            if other and step.task.module in ("container", "image"):
                text = f"'{step.task.module}' for another user than the play's is not possible in a rollout"
                raise ProjectError(text, step.task.place, f"set {keyword} on the play")


def _check_tags(selection: Selection, playbook: Playbook) -> None:
    known = {tag for play in playbook.plays for task in play.walk() for tag in task.tags}
    special = {"all", "tagged", "untagged", "always", "never"}
    for tag in sorted((selection.tags | selection.skip) - special - known):
        if all(is_static(each) for each in known):
            raise UsageError(f"no task has the tag '{tag}'", playbook.path, did_you_mean(tag, known))


def _without_effect(playbook: Playbook) -> Iterable[str]:
    """Keywords of plays, blocks and tasks that are understood and change nothing yet."""
    written = dict.fromkeys(each for play in playbook.plays for task in play.walk() for each in task.lineage)
    for each in written:
        for keyword in WITHOUT_EFFECT:
            if keyword in each.keywords:
                place = place_of(each.keywords, keyword) or each.place
                yield f"{place}: '{keyword}' has no effect yet; say it in the inventory (ansible_{keyword})"


def _missing_modules(plays: Iterable[PlanPlay]) -> Iterable[str]:
    for step in (step for planned in plays for step in (*planned.steps, *planned.handlers)):
        if step.target is None and conditional.static(list(step.task.when)) is not False:
            yield f"{step.task.place}: module '{step.task.written}' is Ansible's and wherry does not have it"
