"""What all hosts of a run share, and what is known of each host from play to play."""

from __future__ import annotations

import threading
from collections.abc import Callable, MutableMapping
from dataclasses import dataclass, field

from wherry.connection.session import Session
from wherry.execution.attachments import Attachments
from wherry.execution.emitter import Emitter
from wherry.execution.hooks import Hooks
from wherry.execution.outcome import Counts, Outcome
from wherry.execution.plan import Plan
from wherry.execution.values import Facts, Position, Registered
from wherry.language.inventory import Host
from wherry.language.learned import Learned
from wherry.language.templating import Templar
from wherry.protocols import Content

Sessions = Callable[[Host, str | None], Session]  # the host, and the play's `connection:` if it names one


@dataclass(eq=False)
class HostState:
    """One host in a run; `session` is opened when the first task needs it."""

    host: Host
    facts: Facts = field(default_factory=Facts)
    registered: Registered = field(default_factory=Registered)
    session: Session | None = None
    contents: MutableMapping[str, Content] = field(default_factory=dict)
    gone: bool = False  # failed or lost: takes part in no further play

    def __post_init__(self) -> None:
        self.learned = Learned(facts=self.facts, registered=self.registered)

    def connect(self, session: Session) -> None:
        """Use this session; what was attached before it was open can be asked for now."""
        session.contents.update(self.contents)
        self.session, self.contents = session, session.contents

    def as_of(self, stamp: Position) -> Learned:
        """What other hosts' tasks at `stamp` may see."""
        return Learned(self.facts.snapshot(), self.registered.as_of(stamp), self.learned.included, self.learned.loose)


@dataclass(eq=False)
class RunState:
    """A run under way. `stop` is set once, when nothing more may begin."""

    plan: Plan
    sessions: Sessions
    hooks: Hooks
    emitter: Emitter
    templar: Templar
    forks: int = 50
    attachments: Attachments = field(default_factory=Attachments)
    stop: threading.Event = field(default_factory=threading.Event)
    states: MutableMapping[str, HostState] = field(default_factory=dict)
    outcome: Outcome = field(default_factory=Outcome)

    def of(self, host: Host) -> HostState:
        """The host's state, made on first use."""
        if host.name not in self.states:
            self.states[host.name] = HostState(host)
        return self.states[host.name]

    def counts(self, host: str) -> Counts:
        """The host's counts."""
        return self.outcome.counts.setdefault(host, Counts())
