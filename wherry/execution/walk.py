"""One host's way through a play: sections, blocks with rescue and always, handlers, tasks done once for all hosts."""

from __future__ import annotations

from wherry.execution import facts
from wherry.execution.batch import END, Stopped, Turn
from wherry.execution.entry import Entry
from wherry.execution.host_run import HostRun
from wherry.execution.pipeline import Pipeline, TaskFailed
from wherry.execution.steps import TASKS, BlockStep, Step
from wherry.execution.values import Position

FLUSH = 1  # position of a section's handlers, behind its tasks (0)


class EndHost(Exception):
    """The host's part of the play is over, and nothing is wrong (`meta: end_host`, `end_play`)."""


class Walk:
    """A host's way through a play. `rescuing` counts the blocks around the current task that have a rescue;
    `may_have_ended`: a failure of the last task on any host would end the play, so that all wait for each other."""

    def __init__(self, run: HostRun) -> None:
        self._run = run
        self._pipeline = Pipeline(run)
        self._rescuing = 0
        self._may_have_ended = False

    def go(self) -> None:
        """Do the play's tasks on this host; raises TaskFailed, Stopped, WherryError."""
        try:
            facts.begin(self._run)
            for number, section in enumerate(self._run.play.sections):
                self._steps(section)
                self._flush((number, FLUSH))
            self._pipeline.drain()
        except EndHost:
            pass
        finally:
            self._run.batch.reach(self._run.name, END)

    def _steps(self, steps: tuple[Step | BlockStep, ...]) -> None:
        for step in steps:
            if isinstance(step, BlockStep):
                self._block(step)
            else:
                self._task(step, step.position)

    def _block(self, step: BlockStep) -> None:
        failure: TaskFailed | None = None
        self._rescuing += bool(step.rescue)
        try:
            self._section(step, step.tasks)
        except TaskFailed as error:
            if not step.holds(error.entry.position, TASKS):
                raise  # a task before the block, whose answer came while the block was under way
            failure = error
        finally:
            self._rescuing -= bool(step.rescue)
        if failure and step.rescue:
            failure = self._rescue(step, failure.entry)
        self._section(step, step.always)
        if failure:
            raise failure

    def _section(self, step: BlockStep, steps: tuple[Step | BlockStep, ...]) -> None:
        """Do one section of a block, to its end if what comes behind depends on that."""
        self._steps(steps)
        if step.rescue or step.always:
            self._pipeline.drain()

    def _rescue(self, step: BlockStep, failed: Entry) -> TaskFailed | None:
        """Do a block's rescue; what failed in it, if anything did."""
        run = self._run
        run.state.counts(run.name).add("rescued")
        run.registered.settle("ansible_failed_task", {"name": failed.title}, failed.stamp)
        run.registered.settle("ansible_failed_result", failed.result, failed.stamp)
        try:
            self._section(step, step.rescue)
        except TaskFailed as error:
            return error
        return None

    def _task(self, step: Step, position: Position) -> None:
        """Do one task: alone, once for all hosts, or in step with them, where the language says so."""
        run, task = self._run, step.task
        run.look_at(position)
        if task.module == "meta":
            self._meta(step, position)
        elif task.module == "pause" or run.flag(task.run_once, run.scope, default=False):
            self._once(step, position)
        else:
            ends_play = run.play.play.max_fail_percentage is not None or run.is_fatal(task)
            if ends_play or self._may_have_ended:
                self._in_step(position)
            self._may_have_ended = ends_play
            self._pipeline.add(step, position)

    def _in_step(self, position: Position) -> None:
        self._pipeline.drain()
        self._run.wait_for_others(position)

    def _once(self, step: Step, position: Position) -> None:
        """Do the task if this is the first host of the batch, else take over what came of it there."""
        self._pipeline.drain()
        turn = self._run.batch.turn(self._run.name, position)
        if turn.performer == self._run.name:
            self._perform(turn, step, position)
        elif turn.outcome is None:
            raise Stopped
        else:
            self._run.learn(turn.outcome)
            if turn.failed and self._rescuing:
                raise TaskFailed(turn.outcome)
            if turn.failed:
                raise Stopped

    def _perform(self, turn: Turn, step: Step, position: Position) -> None:
        """Do a task for all hosts of the batch, which get its outcome in any case."""
        try:
            turn.outcome = self._pipeline.add(step, position)
            self._pipeline.drain()
        except TaskFailed as error:
            turn.outcome, turn.failed = error.entry, True
            raise
        finally:
            self._run.batch.finish(turn)

    def _meta(self, step: Step, position: Position) -> None:
        """Do a `meta` task; all of them wait for what is outstanding."""
        word = step.task.free_form
        self._in_step(position) if word in ("end_play", "end_batch") else self._pipeline.drain()
        if not self._pipeline.is_wanted(step, position):
            return
        if word == "flush_handlers":
            self._flush(position)
        elif word == "clear_facts":
            self._run.facts.clear()
        elif word in ("end_play", "end_batch"):
            self._run.batch.end(word)
            raise EndHost
        elif word == "end_host":
            raise EndHost

    def _flush(self, position: Position) -> None:
        """Run the notified handlers, each once."""
        if self._pipeline.may_notify:
            self._pipeline.drain()
        for number, step in self._run.handlers.flush():
            self._task(step, (*position, number))
            if self._pipeline.may_notify:
                self._pipeline.drain()
