"""One host's tasks on their way: rendered and sent ahead of results as far as their text allows.

A step is composed (rendered, `when` tested, engine actions done), pushed (its requests sent) and, in order, collected: its
results judged, registered, counted and shown. What a composed step needs of results still outstanding, or of facts or other
hosts, raises Waiting: the pipeline gets that first and composes again.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Iterable
from dataclasses import replace
from functools import partial
from typing import TYPE_CHECKING, Any, TypeVar

from wherry.errors import ProjectError
from wherry.execution import calls, results
from wherry.execution.catalog import Action
from wherry.execution.entry import Entry, Part
from wherry.execution.steps import Step
from wherry.execution.values import FactsMissing, OthersBehind, Position, Waiting
from wherry.language import conditional

if TYPE_CHECKING:
    from wherry.execution.host_run import HostRun

T = TypeVar("T")
WINDOW = 64  # calls that may be outstanding


class TaskFailed(Exception):
    """A task failed on this host, and the failure is not ignored."""

    def __init__(self, entry: Entry) -> None:
        super().__init__(entry.step.task.title)
        self.entry = entry


class Pipeline:
    """The tasks under way of one host; used by the host's thread alone."""

    def __init__(self, run: HostRun) -> None:
        self._run = run
        self._outstanding: deque[Entry] = deque()
        self._defining: deque[Entry] = deque()  # those of them that later tasks may look at
        self._composing: Entry | None = None
        self._collecting = False
        self._epoch = 0
        self._group = 0
        run.registered.overlays = self._overlays

    def add(self, step: Step, position: Position) -> Entry:
        """Bring a step on its way; waits where it must. Raises TaskFailed, for this step or one before it."""
        while True:
            self._run.check_stop()
            try:
                entry = self._composed(step, position)
                break
            except Waiting as waiting:
                self._satisfy(waiting, position)
            except ProjectError as error:
                if not self._outstanding:
                    entry = self._failed(step, position, error)
                    break
                self._collect()  # what is undefined may be what that result defines
        self._push(entry)
        return entry

    def drain(self) -> None:
        """Collect every result; raises TaskFailed for the first failure."""
        while self._outstanding:
            self._collect()

    @property
    def may_notify(self) -> bool:
        """Whether a task under way can still notify a handler."""
        return any(entry.step.task.notify for entry in self._outstanding)

    def is_wanted(self, step: Step, position: Position) -> bool:
        """Whether the `when` of a task that is no call holds, with nothing outstanding."""
        entry = Entry(step, position, self._run.stamp(position), step.task.title)
        scope = self._run.scope.for_task(step.task)
        return self._patiently(entry, partial(conditional.test, list(step.task.when), scope))

    def _composed(self, step: Step, position: Position) -> Entry:
        self._composing = entry = self._entry(step, position)
        try:
            for part in calls.parts(step, self._run):
                entry.parts.append(part)
                if isinstance(step.target, Action) and part.result:
                    entry.set_facts.update(part.result.get("ansible_facts", {}))
        finally:
            self._composing = None
        return entry

    def _entry(self, step: Step, position: Position) -> Entry:
        task, run = step.task, self._run
        scope = run.scope.for_task(task)
        return Entry(
            step,
            position,
            run.stamp(position),
            run.title(task, scope),
            looped=task.loop is not None,
            ignore_errors=run.flag(task.ignore_errors, scope, default=False),
            no_log=run.flag(task.no_log, scope, default=False),
            fatal=run.is_fatal(task),
        )

    def _failed(self, step: Step, position: Position, error: ProjectError) -> Entry:
        """A task that failed before it could be sent."""
        run = self._run
        ignored = step.task.ignore_errors is True or run.flag(step.task.ignore_errors, run.scope, default=False)
        part = Part(run.scope, result=results.failure(error))
        fatal = run.is_fatal(step.task)
        title = run.title(step.task, run.scope)
        return Entry(step, position, run.stamp(position), title, ignore_errors=ignored, fatal=fatal, parts=[part])

    def _overlays(self) -> Iterable[Entry]:
        """The tasks before the one that is looked at, the newest first; its own earlier items before them."""
        if self._collecting:
            return ()  # everything before it is settled
        composing = [self._composing] if self._composing else []
        return (*composing, *reversed(self._defining))

    def _satisfy(self, waiting: Waiting, position: Position) -> None:
        if isinstance(waiting, FactsMissing):
            self._run.gather(waiting.names)
        elif isinstance(waiting, OthersBehind):
            self.drain()
            self._run.wait_for_others(position)
        else:
            self._collect()

    def _push(self, entry: Entry) -> None:
        self._outstanding.append(entry)
        if entry.names():
            self._defining.append(entry)
        if len(self._outstanding) == 1:
            self._run.begin(entry)
        self._group += 1
        blocking = self._send(entry)
        if blocking or any(part.result and part.result.get("failed") for part in entry.parts):
            self.drain()
        while sum(len(each.parts) for each in self._outstanding) > WINDOW:
            self._collect()

    def _send(self, entry: Entry) -> bool:
        """Send the entry's requests; True when nothing may be sent behind them yet."""
        requests = [part for part in entry.parts if part.request]
        if not requests:
            return False
        if entry.step.task.until is not None or self._run.goes_to_hooks(entry):
            return True  # done one by one when they are collected
        for part in requests:
            self._submit(entry, part)
        specs = [part.spec for part in requests if part.spec]
        return entry.step.blocking or any(spec.finishes or spec.rules.returns_facts for spec in specs)

    def _submit(self, entry: Entry, part: Part) -> None:
        assert part.request is not None  # only parts with one are sent
        goes_on = entry.ignore_errors or entry.step.task.failed_when is not None or entry.step.task.until is not None
        request = replace(part.request, epoch=self._epoch, group=self._group, ignore_errors=goes_on)
        part.ticket = self._run.session.submit(request)

    def _collect(self) -> None:
        """Settle the oldest task; raises TaskFailed, with all behind it dropped."""
        entry = self._outstanding[0]
        self._collecting = True
        try:
            for part in entry.parts:
                self._settle(entry, part)
            entry.result = self._whole(entry)
        finally:
            self._collecting = False
        self._outstanding.popleft()
        if self._defining and self._defining[0] is entry:
            self._defining.popleft()
        word = results.status(entry.result, entry.ignore_errors)
        self._run.settle(entry, word)
        if word == "failed":
            self._drop()
            raise TaskFailed(entry)
        if self._outstanding:
            self._run.begin(self._outstanding[0])

    def _settle(self, entry: Entry, part: Part) -> None:
        try:
            asked = part.result is None
            part.result = self._tried(entry, part) if asked else self._judged(entry, part, part.result or {})
        except ProjectError as error:  # in until, retries or delay
            part.result = results.failure(error)
        if entry.looped:
            part.result = {**part.result, **part.item}
            word = results.status(part.result, entry.ignore_errors)
            self._run.show(entry, word, part.result, part.label)

    def _tried(self, entry: Entry, part: Part) -> dict[str, Any]:
        """The judged result of a request, tried again as `until` and `retries` say."""
        task, run = entry.step.task, self._run
        if task.until is None:
            return self._judged(entry, part, self._answer(entry, part))
        tries = 1 + max(0, int(run.value(task.retries, part.scope)))
        for attempt in range(1, tries + 1):
            result = {**self._judged(entry, part, self._answer(entry, part)), "attempts": attempt}
            if self._patiently(
                entry, partial(conditional.test, task.until, results.with_result(part.scope, task, result))
            ):
                return result
            if attempt < tries:
                run.sleep(float(run.value(task.delay, part.scope)))
        return {**result, "failed": True, "msg": result.get("msg") or f"not so after {tries} tries"}

    def _judged(self, entry: Entry, part: Part, result: dict[str, Any]) -> dict[str, Any]:
        return self._patiently(entry, partial(results.judged, result, entry.step.task, part.scope))

    def _patiently(self, entry: Entry, look: Callable[[], T]) -> T:
        """What `look` gives once the facts and other hosts that it needs are there."""
        while True:
            try:
                return look()
            except FactsMissing as waiting:
                self._run.gather(waiting.names)
            except OthersBehind:
                self._run.wait_for_others(entry.position)

    def _answer(self, entry: Entry, part: Part) -> dict[str, Any]:
        run = self._run
        assert part.request is not None  # only requests are answered
        if run.goes_to_hooks(entry):
            answer = run.hooks_answer(entry, part.request)
            if answer is not None:
                return results.checked(answer, run.name)
        if part.ticket is None:
            self._submit(entry, part)
        assert part.ticket is not None  # just submitted
        answer = results.checked(run.session.wait(part.ticket), run.name)
        part.ticket = None
        return run.finished(entry, part, answer)

    def _whole(self, entry: Entry) -> dict[str, Any]:
        if entry.looped:
            return results.combined([part.result for part in entry.parts if part.result is not None])
        result = entry.parts[0].result
        assert result is not None  # settled
        return result

    def _drop(self) -> None:
        """Take the answers of what the host dropped behind a failed task; what comes next is a new epoch."""
        self._defining.clear()
        while self._outstanding:
            for part in self._outstanding.popleft().parts:
                if part.ticket is not None:
                    self._run.session.wait(part.ticket)
        self._epoch += 1
