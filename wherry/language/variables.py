"""Variables: every definition of a name in Ansible's order of precedence, rendered when it is used."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, NamedTuple

from wherry.language import magic, play_files
from wherry.language.inventory import Host, Inventory
from wherry.language.learned import Learned
from wherry.language.precedence import Layer, Level
from wherry.language.source import SourceMap, place_of
from wherry.project import Project
from wherry.protocols import Place

if TYPE_CHECKING:
    from wherry.language.playbook import Play
    from wherry.language.task import Task
    from wherry.language.templating import Templar

# What comes from hosts or is rendered already: handed on as it is, whatever it contains.
DATA = frozenset({Level.FACTS, Level.REGISTERED, Level.MAGIC, Level.LOOP})


class Missing:
    """The type of MISSING: no definition."""

    def __bool__(self) -> bool:
        return False


MISSING = Missing()


@dataclass
class Run:
    """What all hosts of a run share.

    learned: what is known of each host, by name.  magic: further magic variables (`wherry_release`), plain values.
    """

    inventory: Inventory
    templar: Templar
    project: Project | None = None
    check: bool = False
    diff: bool = False
    playbook: str = ""
    magic: dict[str, Any] = field(default_factory=dict)
    learned: dict[str, Learned] = field(default_factory=dict)
    group_members: SourceMap = field(default_factory=SourceMap)
    files: dict[str, Mapping[str, Any]] = field(default_factory=dict)

    def of(self, host: str) -> Learned:
        """What is known of the host; made empty on first use."""
        return self.learned.get(host) or self.learned.setdefault(host, Learned())

    def scope(
        self,
        host: Host,
        play: Play | None = None,
        *,
        play_hosts: Sequence[str] | None = None,
        batch: Sequence[str] | None = None,
    ) -> Scope:
        """The variables of a host in a play; derive from it one for each task."""
        hosts = tuple(play_hosts or (host.name,))
        scope = Scope(self, host, play, play_hosts=hosts, batch=tuple(batch or hosts))
        if play and play.vars_files:
            scope = scope.with_files(play_files.load(play, scope))
        return scope


class Definition(NamedTuple):
    """One definition of a name: its raw value, where it stands, and how strong it is."""

    value: Any
    place: Place | None
    level: Level


class Scope(Mapping[str, Any]):
    """The variables that one host sees. `scope[name]` is rendered; UndefinedVariable where there is no definition.

    Rendered values are kept for the life of the scope: make one per task (for_task) and per item (with_loop).
    """

    def __init__(
        self,
        run: Run,
        host: Host,
        play: Play | None = None,
        task: Task | None = None,
        *,
        play_hosts: tuple[str, ...] = (),
        batch: tuple[str, ...] = (),
        added: tuple[Layer, ...] = (),
        family: dict[str, Scope] | None = None,
    ) -> None:
        self.run: Run = run
        self.host: Host = host
        self.play: Play | None = play
        self.task: Task | None = task
        self.play_hosts, self.batch, self.added = play_hosts, batch, added
        self.learned: Learned = run.of(host.name)
        self.family: dict[str, Scope] = {} if family is None else family
        self.rendered: dict[str, Any] = {}
        self.rendering: list[str] = []
        self.layers = self._layers()

    def _layers(self) -> list[Layer]:
        """Every layer, the strongest first; layers of one level keep their order."""
        layers = [
            *self.added,
            Layer(Level.MAGIC, magic.Magic(self)),
            Layer(Level.EXTRA, self.run.inventory.extra),
            Layer(Level.REGISTERED, self.learned.registered),
            Layer(Level.INCLUDE_VARS, self.learned.included),
        ]
        if self.task is not None and self.task.vars:
            layers.append(Layer(Level.TASK_VARS, self.task.vars))
        if self.task is not None:
            blocks = self.task.lineage[1:-1]
            layers += [Layer(Level.BLOCK_VARS, block.vars) for block in blocks if block.vars]
        if self.play is not None and self.play.vars:
            layers.append(Layer(Level.PLAY_VARS, self.play.vars))
        layers.append(Layer(Level.FACTS, self.learned.injected))
        layers.append(Layer(Level.INVENTORY_HOST, self.host.merged))
        layers.append(Layer(Level.COMMAND_LINE, {"ansible_managed": magic.MANAGED}))
        if self.added:
            layers.sort(key=lambda layer: -layer.level)
        return layers

    def _derived(self, task: Task | None, added: tuple[Layer, ...]) -> Scope:
        return Scope(
            self.run,
            self.host,
            self.play,
            task,
            play_hosts=self.play_hosts,
            batch=self.batch,
            added=added,
        )

    def for_task(self, task: Task) -> Scope:
        """The same host and play, with the variables of the task and its blocks."""
        return self._derived(task, self.added)

    def with_loop(self, variables: Mapping[str, Any]) -> Scope:
        """The same with loop variables over everything; they are plain values, never rendered."""
        return self._derived(self.task, (Layer(Level.LOOP, variables), *self.added))

    def with_registered(self, variables: Mapping[str, Any]) -> Scope:
        """The same with results that only this task sees yet (for changed_when, failed_when, until)."""
        return self._derived(self.task, (Layer(Level.REGISTERED, variables), *self.added))

    def with_files(self, files: Sequence[Mapping[str, Any]]) -> Scope:
        """The same with the play's vars_files, of which the last is the strongest."""
        layers = tuple(Layer(Level.PLAY_FILES, values) for values in reversed(files))
        return self._derived(self.task, (*self.added, *layers))

    def of_host(self, name: str) -> Scope:
        """What `hostvars[name]` shows: another host's variables without those of play and task; KeyError if unknown."""
        known = self.family.get(name)
        if known is None:
            host = self.run.inventory.hosts[name]
            known = Scope(self.run, host, play_hosts=self.play_hosts, batch=self.batch, family=self.family)
            self.family[name] = known
        return known

    def find(self, name: str) -> tuple[Any, Level]:
        """The value as written and its level; MISSING when nothing defines the name."""
        for layer in self.layers:
            if name in layer.values:
                return layer.values[name], layer.level
        return MISSING, Level.COMMAND_LINE

    def raw(self, name: str) -> Any:
        """The value as written; MISSING when nothing defines the name."""
        return self.find(name)[0]

    def explain(self, name: str) -> list[Definition]:
        """Every definition of the name, the one that counts first."""
        found = []
        for layer in self.layers:
            # The host's own layers are merged for speed; here each is shown.
            parts = reversed(self.host.variables) if layer.values is self.host.merged else [layer]
            for part in parts:
                if name in part.values:
                    found.append(Definition(part.values[name], place_of(part.values, name), part.level))
        return found

    def marked(self, name: str) -> Any:
        """As scope[name], for use inside of templates: what cannot be rendered is a marker that fails when it is used."""
        value = self.run.templar.resolve(name, self)
        if value is MISSING:
            raise KeyError(name)
        return value

    def __getitem__(self, name: str) -> Any:
        return self.run.templar.variable(name, self)

    def get(self, name: str, default: Any = None) -> Any:
        """The rendered value, `default` without a definition."""
        return self[name] if name in self else default  # noqa: SIM401  this is get; a failing definition must raise

    def __contains__(self, name: object) -> bool:
        return any(name in layer.values for layer in self.layers)

    def __iter__(self) -> Iterator[str]:
        return iter({name: None for layer in reversed(self.layers) for name in layer.values})

    def __len__(self) -> int:
        return sum(1 for _ in self)
