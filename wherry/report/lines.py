"""Events as plain lines, those that people and scripts know from Ansible; rollout steps between them."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable
from typing import IO, Any

from wherry.events import (
    Event,
    HostSummary,
    HostUnreachable,
    PlayStarted,
    RunFinished,
    Said,
    TaskFinished,
    TaskStarted,
    Warned,
)
from wherry.report import diff
from wherry.report.colour import painted, wants_colour
from wherry.report.order import Order
from wherry.text import amount, visible

WIDTH = 79
RECAP = ("ok", "changed", "unreachable", "failed", "skipped", "rescued", "ignored")
WORDS = {"ok": "ok", "changed": "changed", "skipped": "skipping"}
FOR_MACHINES = ("exception", "error", "diff", "warnings")  # traceback, our own error form, what is shown apart
SHOW = "_show"  # in a result that is there to be read


class Lines:
    """Writes events to `out`; call it with each.  verbose: show results whole.  diff: show what files change."""

    def __init__(self, out: IO[str], *, verbose: bool = False, diff: bool = False) -> None:
        self._out, self._verbose, self._diff = out, verbose, diff
        self._colour = wants_colour(out)
        self._order = Order(())
        self._shows: dict[type[Event], Callable[[Any], None]] = {
            PlayStarted: self._play,
            TaskStarted: lambda event: self._ordered(self._order.started(event)),
            TaskFinished: lambda event: self._ordered(self._order.finished(event)),
            HostUnreachable: lambda event: self._ordered(self._order.finished(event)),
            Warned: self._warning,
            Said: self._said,
            RunFinished: self._finished,
        }

    def __call__(self, event: Event) -> None:
        """Show an event."""
        self._shows[type(event)](event)
        self._out.flush()

    def close(self) -> None:
        """Show what has been held back."""
        self._ordered(self._order.rest())
        self._out.flush()

    def _play(self, event: PlayStarted) -> None:
        self.close()
        self._order = Order(event.hosts)
        self._banner(f"PLAY [{visible(event.name)}]")

    def _ordered(self, events: Iterable[TaskStarted | TaskFinished | HostUnreachable]) -> None:
        for event in events:
            if isinstance(event, TaskStarted):
                self._banner(f"{'RUNNING HANDLER' if event.handler else 'TASK'} [{visible(event.name)}]")
            elif isinstance(event, TaskFinished):
                self._result(event)
            else:
                text = _json({"changed": False, "msg": event.reason, "unreachable": True})
                self._line(f"fatal: [{visible(event.host)}]: UNREACHABLE! => {text}", "unreachable")

    def _result(self, event: TaskFinished) -> None:
        for warning in event.result.get("warnings") or ():
            self._line(f"[WARNING]: {visible(event.host)}: {visible(str(warning))}", "warning")
        whole_loop = event.item is None and "results" in event.result
        if self._diff:
            for change in event.result.get("diff") or ():
                self._write("\n".join(diff.lines(change)))
        if event.status in WORDS:
            if not whole_loop or event.status == "skipped":
                self._done(event)
        else:
            self._failure(event)

    def _done(self, event: TaskFinished) -> None:
        text = f"{WORDS[event.status]}: [{visible(event.host)}]"
        if event.item is not None:
            text += f" => (item={visible(event.item)})"
        if event.result.get(SHOW) or self._verbose:
            text += " => " + _json(event.result, indent=4 if event.result.get(SHOW) else None)
        self._line(text, event.status)
        if lacking := event.result.get("missing_bytes"):
            layers = event.result.get("missing_layers", 0)
            self._write(f"    lacked {amount(int(lacking))} in {layers} layer{'s' * (layers != 1)}, before compression")

    def _failure(self, event: TaskFinished) -> None:
        host, result = visible(event.host), _json(event.result)
        if event.item is not None:
            self._line(f"failed: [{host}] (item={visible(event.item)}) => {result}", "failed")
            return
        if "results" not in event.result:  # of a loop, the items have been shown
            self._line(f"fatal: [{host}]: FAILED! => {result}", "failed")
        message = str(event.result.get("msg", ""))
        if "\n" in message:
            self._write("\n".join(f"    {line}" for line in visible(message, lines=True).split("\n")))
        if event.status == "ignored":
            self._line("...ignoring", "ignored")

    def _warning(self, event: Warned) -> None:
        where = f"{visible(event.host)}: " if event.host else ""
        self._line(f"[WARNING]: {where}{visible(event.text, lines=True)}", "warning")

    def _said(self, event: Said) -> None:
        self.close()
        where = f"{visible(event.host)}: " if event.host else ""
        self._line(f"{visible(event.kind):>9} | {where}{visible(event.text, lines=True)}", "changed")

    def _finished(self, event: RunFinished) -> None:
        self.close()
        if event.hosts:
            self._banner("PLAY RECAP")
        width = max((len(visible(each.host)) for each in event.hosts), default=0)
        for each in event.hosts:
            self._line(recap(each, width), _colour_of(each))
        for each in event.hosts:
            content = f" ({amount(each.content_sent)} of it content)" if each.content_sent else ", no content"
            text = f"sent {amount(each.sent)}{content}, received {amount(each.received)}"
            self._write(f"{visible(each.host):<{width}} : {text}")
        reason = f": {visible(event.reason, lines=True)}" if event.reason else ""
        self._write(
            f"\n{'done' if not event.exit_code else f'exit code {event.exit_code}'} in {event.seconds:.1f} s{reason}"
        )

    def _banner(self, title: str) -> None:
        self._write(f"\n{title} {'*' * max(3, WIDTH - len(title))}")

    def _line(self, text: str, colour: str) -> None:
        self._write(painted(text, colour) if self._colour else text)

    def _write(self, text: str) -> None:
        if text:
            self._out.write(text + "\n")


def recap(summary: HostSummary, width: int) -> str:
    """A host's line of the recap, as scripts read it from Ansible."""
    counts = " ".join(f"{name}={getattr(summary, name):<4}" for name in RECAP)
    return f"{visible(summary.host):<{max(width, 26)}} : {counts.rstrip()}"


def _colour_of(summary: HostSummary) -> str:
    if summary.failed or summary.unreachable:
        return "failed"
    return "changed" if summary.changed else "ok"


def _json(result: dict[str, Any], indent: int | None = None) -> str:
    shown = {key: value for key, value in result.items() if key not in FOR_MACHINES and not key.startswith("_")}
    if indent:
        shown.pop("changed", None)
    text = json.dumps(shown, ensure_ascii=False, sort_keys=True, indent=indent, default=str)
    return visible(text, lines=bool(indent))
