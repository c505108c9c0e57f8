"""What a benchmark measured: samples of each contestant, ratios of medians, the bar, and who was left out."""

import statistics
from dataclasses import dataclass, field


@dataclass
class Figure:
    """One measurement; `rows` are the samples of each contestant, wherry's first."""

    name: str
    what: str
    unit: str
    rows: dict[str, list[float]]
    bars: dict[str, float] = field(default_factory=dict)  # contestant -> most that wherry may take, as a ratio to it
    limit: float | None = None  # most that wherry may take, in the unit
    skipped: dict[str, str] = field(default_factory=dict)
    profile: str = ""

    @property
    def ours(self):
        """Wherry's median."""
        return self.median(next(iter(self.rows)))

    def median(self, contestant):
        """The median of a contestant's samples."""
        return statistics.median(self.rows[contestant])

    def ratio(self, contestant):
        """Wherry's median over another's."""
        return self.ours / self.median(contestant)

    @property
    def missed(self):
        """Whether a bar was missed."""
        over = any(self.ratio(peer) > bar for peer, bar in self.bars.items() if peer in self.rows)
        return over or (self.limit is not None and self.ours > self.limit)

    def to_json(self):
        """All of it, medians and ratios included."""
        peers = list(self.rows)[1:]
        return {
            "name": self.name,
            "what": self.what,
            "unit": self.unit,
            "samples": self.rows,
            "medians": {each: self.median(each) for each in self.rows},
            "ratios": {peer: self.ratio(peer) for peer in peers},
            "bars": self.bars,
            "limit": self.limit,
            "skipped": self.skipped,
            "missed": self.missed,
        }

    def to_text(self):
        """A small table."""
        lines = [f"{self.name}: {self.what}  ({self.unit}, median of {len(next(iter(self.rows.values())))})"]
        for number, contestant in enumerate(self.rows):
            line = f"  {contestant:<22}{self.median(contestant):10.2f}"
            lines.append(line + (self._compared(contestant) if number else self._limited()))
        lines += [f"  {peer:<22}   skipped: {reason}" for peer, reason in self.skipped.items()]
        return "\n".join(lines + ([self.profile] if self.profile and self.missed else []))

    def _compared(self, peer):
        text = f"   wherry is {self.ratio(peer):.3f} x this"
        if peer in self.bars:
            text += f", bar {self.bars[peer]:g}: {'missed' if self.ratio(peer) > self.bars[peer] else 'kept'}"
        return text

    def _limited(self):
        if self.limit is None:
            return ""
        return f"   bar {self.limit:g}: {'missed' if self.ours > self.limit else 'kept'}"
