"""Carry out a plan: play by play, batch by batch, a thread for each host of a batch."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Sequence

from wherry.errors import Interrupted, UnreachableError, WherryError
from wherry.events import Event, HostUnreachable, PlayStarted, TaskFinished
from wherry.execution import results
from wherry.execution.batch import END, Batch, Stopped
from wherry.execution.emitter import Emitter
from wherry.execution.entry import Entry
from wherry.execution.hooks import Hooks, NoHooks
from wherry.execution.host_run import HostRun
from wherry.execution.outcome import Outcome
from wherry.execution.outside import World
from wherry.execution.pipeline import TaskFailed
from wherry.execution.plan import Plan, PlanPlay
from wherry.execution.run_state import RunState, Sessions
from wherry.execution.values import Position
from wherry.execution.walk import Walk
from wherry.language.templating import Templar

PATIENCE = 0.2  # seconds between looks of the main thread, which alone sees Ctrl-C
GRACE = 10.0  # seconds that running tasks of a rollout get to end after Ctrl-C; their sessions are needed to revert


def run(
    plan: Plan,
    sessions: Sessions,
    hooks: Hooks | None = None,
    emit: Callable[[Event], None] = lambda event: None,
    *,
    forks: int = 50,
) -> Outcome:
    """Do the plan. Failed and lost hosts are in the outcome; raises Interrupted at Ctrl-C, and what hooks raise.

    `sessions(host, connection)` opens a host's session when its first task needs it and stays their owner: it closes them.
    `forks` hosts of a batch are at work at a time.
    """
    emitter = Emitter(emit)
    templar = Templar(World(), warn=emitter.warn)
    state = RunState(plan, sessions, hooks or NoHooks(), emitter, templar, forks)
    for text in plan.warnings:
        emitter.warn(text)
    try:
        for play in plan.plays:
            if not _play(state, play):
                break
    finally:
        _count_bytes(state)
    return state.outcome


def _play(state: RunState, play: PlanPlay) -> bool:
    """Do one play; False when the run is over."""
    slots = threading.Semaphore(state.forks)
    batches = [[state.of(host) for host in hosts if not state.of(host).gone] for hosts in play.batches]
    runs: list[list[HostRun]] = []
    for number, members in enumerate(each for each in batches if each):
        batch = Batch([member.host.name for member in members], slots)
        runs.append([HostRun(state, play, batch, number, member) for member in members])
    everyone = [run for each in runs for run in each]
    for run in everyone:
        state.counts(run.name)  # the recap is in the order of the inventory
    if not everyone:
        state.emitter.warn(f"play '{play.name}': no hosts{'' if play.hosts else ' match'}")
        return True
    goes_on = False
    state.hooks.begin_play(play, everyone)
    try:
        goes_on = _batches(state, play, runs)
    finally:
        state.hooks.end_play(play, everyone, not goes_on)
    return goes_on


def _batches(state: RunState, play: PlanPlay, runs: Sequence[list[HostRun]]) -> bool:
    """Do the batches of a play; False when a failure ends the run."""
    for number, members in enumerate(runs):
        batch = members[0].batch
        state.emitter.emit(PlayStarted, name=play.name, hosts=tuple(batch.hosts))
        state.hooks.before_batch(play, number, members)
        _serve(state, members)
        if batch.failed and (play.play.rollout is not None or batch.stopped or len(batch.failed) == len(batch.hosts)):
            return False
        state.hooks.after_batch(play, number, members)
        if batch.ended == "end_play":
            break
    return True


def _serve(state: RunState, members: Sequence[HostRun]) -> None:
    """Serve the hosts of a batch, each in its thread, and wait for all; raises what is nobody's fault but ours."""
    crashes: list[BaseException] = []
    begun: list[HostRun] = []  # a thread that Ctrl-C keeps from being counted sees at once that it need not begin
    try:
        for run in members:
            threading.Thread(target=_host, args=(run, crashes), name=run.name, daemon=True).start()
            begun.append(run)
        while not _ended(begun, PATIENCE):
            pass
    except KeyboardInterrupt:
        _interrupt(state, members[0].batch, begun)
        untouched = "nothing was left half-done; " if members[0].play.play.rollout is not None else ""
        raise Interrupted("interrupted", hint=f"{untouched}run the same command again") from None
    if crashes:
        raise crashes[0]


def _interrupt(state: RunState, batch: Batch, begun: Sequence[HostRun]) -> None:
    """Let nothing more begin; a second Ctrl-C, or the end of the grace, cuts the sessions."""
    state.stop.set()
    batch.stop()
    try:
        if begun and begun[0].play.play.rollout is not None:
            _ended(begun, GRACE)
    except KeyboardInterrupt:
        pass  # asked again: no more grace
    deadline = time.monotonic() + GRACE
    while not _ended(_connected(begun), PATIENCE) and time.monotonic() < deadline:
        for run in _connected(begun):
            if run.host_state.session is not None and not run.ended.is_set():
                run.host_state.session.interrupt()


def _connected(runs: Sequence[HostRun]) -> list[HostRun]:
    """Those with a session: a thread that still connects has begun nothing, and begins nothing once it has connected."""
    return [run for run in runs if run.host_state.session is not None]


def _ended(runs: Sequence[HostRun], seconds: float) -> bool:
    """Wait some time for the hosts' threads; whether all have ended.

    Events, because a KeyboardInterrupt in Thread.join makes Python 3.11 take a running thread for ended (bpo-45274).
    """
    deadline = time.monotonic() + seconds
    return all(run.ended.wait(max(0.0, deadline - time.monotonic())) for run in runs)


def _host(run: HostRun, crashes: list[BaseException]) -> None:
    """One host's thread."""
    with run.batch.slot:
        try:
            Walk(run).go()
        except (Stopped, Interrupted):
            pass
        except TaskFailed as error:
            _failed(run, error.entry)
        except UnreachableError as error:
            if run.host_state.session is not None or not run.state.stop.is_set():
                _lost(run, error)
        except WherryError as error:
            _broken(run, error)
        except BaseException as error:  # noqa: BLE001 - the thread's outermost loop: the main thread raises it
            crashes.append(error)
            run.batch.stop()
        finally:
            run.batch.reach(run.name, END)
            run.ended.set()


def _failed(run: HostRun, entry: Entry) -> None:
    """A task failed and nothing rescued it."""
    run.state.counts(run.name).add("failed")
    _out(run, entry.result or {}, fatal=entry.fatal, behind=entry.position)


def _broken(run: HostRun, error: WherryError) -> None:
    """Something about the host's part of the play is wrong that is no task's result."""
    result = results.failure(error)
    run.state.emitter.emit(TaskFinished, host=run.name, task=run.play.name, status="failed", result=result)
    run.state.counts(run.name).add("failed")
    _out(run, error, fatal=bool(run.play.play.any_errors_fatal), behind=run.position)


def _lost(run: HostRun, error: UnreachableError) -> None:
    run.state.emitter.emit(HostUnreachable, host=run.name, reason=str(error))
    run.state.counts(run.name).add("unreachable")
    run.state.outcome.lost[run.name] = error
    _out(run, error, fatal=bool(run.play.play.any_errors_fatal), behind=run.position)


def _out(run: HostRun, reason: dict[str, object] | WherryError, *, fatal: bool, behind: Position) -> None:
    """The host takes part in nothing more; where a failure is fatal the others do the same task and no other, in a
    rollout they begin nothing."""
    play = run.play.play
    run.host_state.gone = True
    tolerated = play.max_fail_percentage
    run.batch.fail(run.name, tolerated=None if tolerated is None else float(tolerated), behind=behind)
    if fatal:
        run.batch.stop(behind)
    if play.rollout is not None:
        run.batch.stop()
    run.state.hooks.failed(run, reason)


def _count_bytes(state: RunState) -> None:
    for name, host in state.states.items():
        if host.session is not None:
            counts = state.counts(name)
            counts.sent, counts.received = host.session.sent, host.session.received
            counts.content_sent = host.session.content_sent
