"""One host in one batch of a play: its session and variables, and what becomes of results."""

from __future__ import annotations

import threading
from collections.abc import Iterable, MutableMapping
from typing import Any

from wherry.connection.session import Session, TaskRequest
from wherry.errors import Interrupted, ProjectError
from wherry.events import TaskFinished
from wherry.execution import arguments, results
from wherry.execution.batch import Batch, Stopped
from wherry.execution.emitter import censored
from wherry.execution.entry import Entry, Part
from wherry.execution.handlers import Handlers
from wherry.execution.horizon import scope_of
from wherry.execution.plan import PlanPlay
from wherry.execution.run_state import HostState, RunState
from wherry.execution.steps import Step
from wherry.execution.values import FactsMissing, Position
from wherry.language.source import is_static, place_of
from wherry.language.task import Task
from wherry.language.variables import Scope
from wherry.protocols import Content


class HostRun:
    """A host in a play. `position`: the task that is being looked at; `synced`: the last one at which all had come as far.
    `ended`: its thread is done."""

    def __init__(self, state: RunState, play: PlanPlay, batch: Batch, number: int, host_state: HostState) -> None:
        self.state, self.play, self.batch, self.number = state, play, batch, number
        self.host_state, self.host, self.name = host_state, host_state.host, host_state.host.name
        self.templar, self.registered, self.facts = state.templar, host_state.registered, host_state.facts
        self.position: Position = (-1,)
        self.synced: Position = (-1,)
        self.ended = threading.Event()
        self.handlers = Handlers(play.handlers, self._handler_name)
        self._scope: Scope | None = None

    @property
    def session(self) -> Session:
        """The host's session, opened on first use; raises UnreachableError."""
        if self.host_state.session is None:
            self.check_stop()
            connection = self.play.play.connection
            named = None if connection is None else str(self.value(connection, self.scope))
            self.host_state.connect(self.state.sessions(self.host, named))
            self.check_stop()
        assert self.host_state.session is not None  # just connected
        return self.host_state.session

    @property
    def contents(self) -> MutableMapping[str, Content]:
        """What the host may ask for, by digest: kept for the session, so that a request can be made before it is open."""
        return self.host_state.contents

    @property
    def scope(self) -> Scope:
        """The host's variables in this play."""
        while self._scope is None:
            try:
                self._scope = scope_of(self)
            except FactsMissing as waiting:  # vars_files named by facts
                self.gather(waiting.names)
        return self._scope

    def look_at(self, position: Position) -> None:
        """Turn to the task at this position; what was seen of other hosts is forgotten, for they have gone on."""
        self.position = position
        if self._scope is not None:
            self._scope.family.clear()

    def stamp(self, position: Position) -> Position:
        """A position as one in the whole run."""
        return (self.play.number, self.number, *position)

    def value(self, raw: Any, scope: Scope) -> Any:
        """A keyword's value."""
        return self.templar.render(raw, scope)

    def flag(self, raw: Any, scope: Scope, *, default: bool) -> bool:
        """A keyword that is yes or no; ProjectError for anything else."""
        value = raw if raw is None or isinstance(raw, bool) else self.value(raw, scope)
        if value is None:
            return default
        try:
            return arguments.truth(value)
        except ValueError:
            raise ProjectError(f"{value!r} is not yes or no", place_of(raw)) from None

    def is_fatal(self, task: Task) -> bool:
        """Whether a failure of the task ends the play for all hosts."""
        words = ("any_errors_fatal", "run_once")
        return any(self.flag(task.effective(word), self.scope, default=False) for word in words)

    def title(self, task: Task, scope: Scope) -> str:
        """The task's name, rendered; as written where that cannot be (`{{ item }}`)."""
        try:
            return task.title if is_static(task.name) else str(self.value(task.name, scope))
        except ProjectError:
            return task.title

    def variable(self, name: str, scope: Scope, otherwise: Any) -> Any:
        """A variable's value, or the keyword that it is stronger than."""
        return scope.get(name, otherwise)

    def hide(self, secrets: Iterable[Any]) -> None:
        """Show these values nowhere."""
        self.state.emitter.hide(secrets)

    def gather(self, names: Iterable[str]) -> None:
        """Ask the host for facts, all in one question."""
        wanted = sorted(names)
        answer = self.session.facts(wanted)
        self.facts.asked(wanted)
        self.host_state.learned.learn(results.checked_facts(answer, self.name))

    def wait_for_others(self, position: Position) -> None:
        """Wait until every other host of the batch has done all before `position`."""
        self.batch.wait_for_others(self.name, position)
        self.synced = position

    def check_stop(self) -> None:
        """Raise Interrupted or Stopped when nothing more is to begin."""
        if self.state.stop.is_set():
            raise Interrupted("interrupted")
        if self.batch.is_over(self.position):
            raise Stopped

    def sleep(self, seconds: float) -> None:
        """Wait; ended by an interruption."""
        self.state.stop.wait(max(0.0, seconds))
        self.check_stop()

    def begin(self, entry: Entry) -> None:
        """Note that a task is now the oldest under way."""
        self.batch.reach(self.name, entry.position)
        task = entry.step.task
        self.state.emitter.announce(entry.stamp, entry.title, str(task.place or ""), task.handler)

    def settle(self, entry: Entry, word: str) -> None:
        """Register, show and count a task's result, and notify its handlers."""
        assert entry.result is not None  # collected
        self.learn(entry)
        if word != "failed":
            self.state.counts(self.name).add(*results.counted(word, entry.result))
        self.show(entry, word, entry.result, None)
        if word == "changed" and entry.step.task.notify:
            names = [self._handler_name(entry.step, name) for name in entry.step.task.notify]
            self.handlers.notify(names, entry.step.task.place)

    def learn(self, entry: Entry) -> None:
        """Take over what a task defines: its registered result, set facts, facts that a module returned."""
        if entry.step.task.register and entry.result is not None:
            self.registered.settle(entry.step.task.register, results.registered(entry.result), entry.stamp)
        for name, value in entry.set_facts.items():
            self.registered.settle(name, value, entry.stamp)
        for part in entry.parts:
            if part.spec and part.spec.rules.returns_facts and part.result and "ansible_facts" in part.result:
                self.host_state.learned.returned(results.checked_facts(part.result["ansible_facts"], self.name))

    def show(self, entry: Entry, word: str, result: dict[str, Any], label: str | None) -> None:
        """Tell of a result, of one item when `label` is given."""
        hidden = entry.no_log and label is not None
        self.state.emitter.emit(
            TaskFinished,
            host=self.name,
            task=entry.title,
            status=word,
            result=censored(result) if entry.no_log else result,
            item="(censored due to no_log)" if hidden else label,
            place=str(entry.step.task.place or ""),
        )

    def goes_to_hooks(self, entry: Entry) -> bool:
        """Whether a rollout may do this task, or has done it."""
        rolls_out = self.play.play.rollout is not None and not self.state.plan.check
        return rolls_out and entry.step.task.module in ("container", "image", "runtime")

    def hooks_answer(self, entry: Entry, request: TaskRequest) -> dict[str, Any] | None:
        """What the rollout did with a task; None: nothing, the module is to do it."""
        task, hooks = entry.step.task, self.state.hooks
        answer = hooks.container if task.module == "container" else hooks.staged
        return answer(self, task, dict(request.args))

    def finished(self, entry: Entry, part: Part, answer: dict[str, Any]) -> dict[str, Any]:
        """A host's answer after the module's `finish` on the controller."""
        if part.spec is None or not part.spec.finishes:
            return answer
        return dict(part.spec.functions["finish"](part.prepared, answer) or answer)

    def _handler_name(self, step: Step, name: str) -> str:
        return str(name) if is_static(name) else str(self.value(name, self.scope.for_task(step.task)))
