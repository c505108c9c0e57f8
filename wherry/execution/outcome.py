"""What came of a run: counts of each host, errors, the exit code."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, field

from wherry.errors import HostsFailed, UnreachableError, WherryError, exit_code
from wherry.events import HostSummary, RunFinished


@dataclass
class Counts:
    """How often each thing happened on one host, by the names of HostSummary; bytes of its session at the end."""

    tally: Counter[str] = field(default_factory=Counter)
    sent: int = 0
    received: int = 0
    content_sent: int = 0

    def add(self, *names: str) -> None:
        """Count one of each."""
        self.tally.update(names)

    def summary(self, host: str) -> HostSummary:
        """The counts as an event carries them."""
        return HostSummary(host, **self.tally, sent=self.sent, received=self.received, content_sent=self.content_sent)


@dataclass
class Outcome:
    """A run that is over: `lost` are hosts that could not be reached, with the error."""

    counts: dict[str, Counts] = field(default_factory=dict)
    lost: dict[str, UnreachableError] = field(default_factory=dict)

    @property
    def failed(self) -> list[str]:
        """Hosts on which a task failed and was not rescued."""
        return [host for host, counts in self.counts.items() if counts.tally["failed"]]

    @property
    def changed(self) -> bool:
        """Whether any task changed anything."""
        return any(counts.tally["changed"] for counts in self.counts.values())

    @property
    def errors(self) -> list[WherryError]:
        """What went wrong, for the exit code."""
        found: list[WherryError] = list(self.lost.values())
        if self.failed:
            found.append(HostsFailed(f"tasks failed on {', '.join(self.failed)}"))
        return found

    @property
    def exit_code(self) -> int:
        """The exit code of the run as far as execution knows."""
        return exit_code(self.errors)

    def finished(self, seconds: float, reason: str = "") -> RunFinished:
        """The event that ends the run, where nothing comes after it."""
        return RunFinished(seconds, self.summaries, seconds, self.exit_code, reason)

    @property
    def summaries(self) -> tuple[HostSummary, ...]:
        """The counts of every host that took part, as the event RunFinished carries them."""
        return tuple(counts.summary(host) for host, counts in self.counts.items())
