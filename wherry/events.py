"""What happened, as dataclasses: all that report sees."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any


@dataclass(frozen=True)
class Event:
    """Something that happened; `at` is seconds on a monotonic clock, filled by the emitter."""

    at: float


@dataclass(frozen=True)
class PlayStarted(Event):
    """A play begins on these hosts."""

    name: str
    hosts: tuple[str, ...]


@dataclass(frozen=True)
class TaskStarted(Event):
    """A task begins on the first host that reaches it; once a task and play."""

    name: str
    place: str
    handler: bool = False


@dataclass(frozen=True)
class TaskFinished(Event):
    """A task ended on one host; `status` is ok, changed, skipped, failed, ignored or unreachable."""

    host: str
    task: str
    status: str
    result: dict[str, Any] = field(default_factory=dict)
    item: str | None = None
    place: str = ""


@dataclass(frozen=True)
class HostUnreachable(Event):
    """A host could not be reached or was lost."""

    host: str
    reason: str


@dataclass(frozen=True)
class Warned(Event):
    """Something that works and should not stay so."""

    text: str
    host: str = ""


@dataclass(frozen=True)
class Said(Event):
    """A line of the run itself: rollout steps, staged bytes, what happens next; `kind` names the step."""

    kind: str
    text: str
    host: str = ""
    data: dict[str, Any] = field(default_factory=dict)


@dataclass(frozen=True)
class HostSummary:
    """Counts of one host at the end of a run, and the bytes that went each way."""

    host: str
    ok: int = 0
    changed: int = 0
    skipped: int = 0
    failed: int = 0
    ignored: int = 0
    rescued: int = 0
    unreachable: int = 0
    sent: int = 0
    received: int = 0
    content_sent: int = 0


@dataclass(frozen=True)
class RunFinished(Event):
    """The run is over."""

    hosts: tuple[HostSummary, ...]
    seconds: float
    exit_code: int
    reason: str = ""
